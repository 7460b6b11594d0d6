"""The hierarchy of one site with two exponentials of its bath: who exchanges with whom.

A corner is an auxiliary density operator with n₁ quanta of the first and n₂ of the second
exponential; that at the bottom is the density operator of the carrier. The line marks what a
hierarchy of depth 3 keeps.
"""

from matplotlib.figure import Figure


def draw() -> Figure:
    """Return the picture."""
    figure = Figure(figsize=(5.2, 4.4), layout="constrained")
    axes = figure.subplots()
    depth, shown = 3, 4
    places = [(i, j) for i in range(shown + 1) for j in range(shown + 1 - i)]
    for i, j in places:
        for step in ((1, 0), (0, 1)):
            other = (i + step[0], j + step[1])
            if other in places:
                kept = sum(other) <= depth
                axes.annotate(
                    "",
                    other,
                    (i, j),
                    arrowprops={
                        "arrowstyle": "<->",
                        "color": "#0072B2" if kept else "#BBBBBB",
                        "shrinkA": 13,
                        "shrinkB": 13,
                    },
                )
        kept = i + j <= depth
        axes.scatter(
            i, j, s=620, color="#E69F00" if i + j == 0 else "#CFE3F2" if kept else "#F0F0F0"
        )
        axes.text(i, j, f"ρ{i}{j}", ha="center", va="center", color="black" if kept else "#888888")
    axes.plot([-0.5, depth + 1], [depth + 1, -0.5], color="#D55E00", ls="--", lw=1.2)
    axes.set(xlabel="quanta of exponential 1", ylabel="quanta of exponential 2", aspect="equal")
    axes.set(xlim=(-0.6, shown + 0.6), ylim=(-0.6, shown + 0.6))
    axes.spines[["top", "right"]].set_visible(False)
    return figure
