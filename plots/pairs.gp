# pairs.gp: every seed of every arm beside the same seed of the baseline, and what the differences add up to.
#
# An arm has a row. Left, one line a seed joins the baseline's value (ring) to the arm's (dot); right, the seeds' differences
# and their mean with its simultaneous interval; the margin of equivalence is shaded. Reads, after the blocks of style.gp, in
# which a row of block 1 goes on with "delta low high verdict", a block of "row base arm difference", one line a seed, a block
# of "row number": seeds that diverged, as crosses at the edge, and a block of "row edge": arms too far off for the scale, as
# arrows.
row = 46
stats ARG1.".tsv" index 1 using 0 nooutput
tall = 92 + row * STATS_records
call "style.gp" ARG1 ARG2 ARG3

eval read("value_low", "valuelow")
eval read("value_high", "valuehigh")
eval read("delta_low", "deltalow")
eval read("delta_high", "deltahigh")
eval read("margin", "margin")
eval read("delta_text", "deltalabel")
array verdict[arms]
stats data index 1 using (verdict[int($0) + 1] = strcol(6), 1) nooutput

marks = terminal eq "pdf" ? 2 : 4
top = terminal eq "pdf" ? 8 : 40
set multiplot
unset title
set tmargin at screen 1 - 1.0 * top / tall
set bmargin at screen 50.0 / tall
set yrange [-arms + 0.5 : 0.6]
unset ylabel
unset ytics
set border 1
set grid noytics
set xlabel offset 0, 0.5
if (terminal ne "pdf") { set label 1000 title_text at screen 0.5, screen 1 - 18.0 / tall center font ",13" \
    textcolor rgb "#000000" }
set lmargin at screen 0.035
set rmargin at screen 0.475
set xrange [real(value_low):real(value_high)]
set xtics step(real(value_high) - real(value_low), marks)
cross(n) = real(value_high) - n * 0.035 * (real(value_high) - real(value_low))
plot for [i = 1:arms] data index 2 using ($1 == i ? $2 : NaN):(0.12 - ($1 - 1)):($3 - $2):(-0.34) with vectors \
    nohead lw 0.9 lc rgb color(slot[i]), \
    data index 2 using 2:(0.12 - ($1 - 1)) with points pt 6 ps dot lw 1 lc rgb color(0), \
    for [i = 1:arms] data index 2 using ($1 == i ? $3 : NaN):(-0.22 - ($1 - 1)) with points pt 7 ps dot * 1.15 \
        lc rgb color(slot[i]), \
    for [i = 1:arms] data index 3 using ($1 == i ? cross($2) : NaN):(-0.22 - ($1 - 1)) with points pt 2 ps 0.8 lw 1.8 \
        lc rgb color(slot[i])

unset label 1000
do for [i = 1:arms] {
    set label i short(label[i], wide / 7.6 - strlen(verdict[i]) - 3) at screen 0.025, first 0.42 - (i - 1) \
        left front textcolor rgb "#000000"
    set label arms + i verdict[i] at screen 0.975, first 0.42 - (i - 1) right front textcolor rgb ink
}
set lmargin at screen 0.535
set rmargin at screen 0.965
set xlabel delta_text
set xrange [real(delta_low):real(delta_high)]
set xtics step(real(delta_high) - real(delta_low), marks)
set arrow from 0, graph 0 to 0, graph 1 nohead lc rgb ink lw 1 dt (6, 4) back
if (margin ne "") { set object rectangle from -real(margin), graph 0 to real(margin), graph 1 fc rgb "#009E73" \
    fs solid 0.12 noborder behind }
plot for [i = 1:arms] data index 2 using ($1 == i ? $4 : NaN):(0.1 - ($1 - 1)) with points pt 7 ps dot lc rgb color(slot[i]), \
    for [i = 1:arms] data index 1 every ::(i - 1)::(i - 1) using 3:(-0.16 - (i - 1)):4:5 \
        with xerrorbars pt 5 ps 0.8 lw 2.2 lc rgb color(slot[i]), \
    for [i = 1:arms] data index 4 using ($1 == i ? $2 * 0.9 : NaN):(-0.16 - ($1 - 1)):($2 * 0.1):(0) \
        with vectors head filled lw 2.2 lc rgb color(slot[i])
unset multiplot
