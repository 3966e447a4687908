"""The exact engine behind `TabularMDP`: sparse matrices, and no word of what a state means.

`pairs` holds where each pair of state and action leads, made once for a process. Under a policy that is a Markov
`chain`: one matrix from state to state. What follows from it: discounted `values`, undiscounted `returns`, `visits`.
`toytext` reads a process from another library's table.
"""
