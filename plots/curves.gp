# curves.gp: a quantity over the training steps; the mean of an arm's seeds as a line, lowest to highest seed as a band.
#
# Reads, after the blocks of style.gp, a block of "step mean lowest highest" for every arm, then a block of "step value" for
# every arm: runs that are drawn one by one, because a run of the arm diverged and survivors are not averaged; last a block of
# "arm step value": where they diverged.
tall = 350
call "style.gp" ARG1 ARG2 ARG3

# A run that was evaluated once has no line: a mark, and from the lowest to the highest seed.
array lone[arms]
do for [i = 1:arms] {
    stats data index 1 + i using 0 nooutput
    lone[i] = STATS_records == 1
}

eval read("y_scale", "yscale")
eval read("y_low", "ylow")
eval read("y_high", "yhigh")
eval read("x_high", "xhigh")
eval read("zero", "zero")
if (y_low ne "") { set yrange [real(y_low):] }
if (y_high ne "") { set yrange [:real(y_high)] }
set xrange [0:real(x_high)]
if (y_scale eq "log") {
    set logscale y
    eval round_tics("y", log10(real(y_high) / real(y_low)))
}
if (logarithmic) {
    set logscale x
    set xrange [1:real(x_high)]
    eval round_tics("x", log10(real(x_high)))
}
if (zero ne "") { set arrow from graph 0, first real(zero) to graph 1, first real(zero) nohead \
    lc rgb color(0) lw 1 dt (6, 4) back }

plot for [i = arms:1:-1] data index 1 + i using 1:3:4 with filledcurves lc rgb color(slot[i]), \
    for [i = arms:1:-1] data index 1 + i using 1:2 with lines lw line lc rgb color(slot[i]), \
    for [i = arms:1:-1] data index 1 + i using (lone[i] ? $1 : NaN):2:3:4 with yerrorbars pt 7 ps 0.7 lw 1 \
        lc rgb color(slot[i]), \
    for [i = arms:1:-1] data index 1 + arms + i using 1:2 with lines lw 0.9 lc rgb color(slot[i]), \
    for [i = 1:arms] data index 2 + 2 * arms using ($1 == i ? $2 : NaN):3 with points pt 2 ps 0.9 lw 2 lc rgb color(slot[i])
