"""Every figure: drawn by matplotlib from results, or to be touched on a page. A figure takes results and never trains.

One subject a file. On paper: `board`, `episodes`, `runs`, `comparisons`, `sensitivity`, `lines`, `sweeps`, `training`,
`tables`, `estimates`; what they share is in `style`, and what lies on a board in `marks`. To be touched: `explorer`
with its `explorer_data`, `laboratory` with its `lessons`, and `training_panel`; what they share is in `touchable`. The
page's side of those stands in `js`, and `modules` joins it for notebooks.
"""
