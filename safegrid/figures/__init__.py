"""Every figure: drawn by matplotlib from results, or to be touched on a page. A figure takes results and never trains.

One subject a file. On paper: `board`, `episodes`, `runs`, `comparisons`, `sensitivity`, `lines`, `sweeps`, `training`,
`tables`, `estimates`; what they share is in `style` and `marks`. To be touched: `explorer`, `laboratory` and
`training_panel`; what they share is in `touchable`.
"""
