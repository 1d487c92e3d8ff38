# cost.gp: the loss that an arm reaches against what it costs: a small dot for every seed, a large one for their mean.
#
# Reads, after the blocks of style.gp, a block of "arm cost value", one line a seed, a block of the same for the
# means, and a block of "arm cost" for runs that diverged: crosses at the top.
tall = 330
dots = 1
call "style.gp" ARG1 ARG2 ARG3

eval read("x_low", "xlow")
eval read("x_high", "xhigh")
set xrange [real(x_low):real(x_high)]
eval read("y_low", "ylow")
eval read("y_high", "yhigh")
set yrange [real(y_low):real(y_high)]
set xtics step(real(x_high) - real(x_low), 4)
set ytics step(real(y_high) - real(y_low), 5)
if (logarithmic) {
    set logscale x
    eval round_tics("x", log10(real(x_high) / real(x_low)))
}
plot for [i = arms:1:-1] data index 2 using ($1 == i ? $2 : NaN):3 with points pt 7 ps dot lc rgb color(slot[i]), \
    for [i = arms:1:-1] data index 3 using ($1 == i ? $2 : NaN):3 with points pt 7 ps 1.1 lc rgb color(slot[i]), \
    for [i = 1:arms] data index 4 using ($1 == i ? $2 : NaN):(real(y_high)) with points pt 2 ps 0.9 lw 2 lc rgb color(slot[i])
