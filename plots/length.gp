# length.gp: time of a token and memory of a sequence against the length, both axes logarithmic, and the powers that fit them.
#
# A mark is a measurement, a line the power of the length that fits a line's marks. Reads, after block 0 of style.gp, a block of
# "slot label, powers of time and memory as text, scale (0: no fit) and exponent of time, of memory", one line each, and a block
# of "line length time memory".
stats ARG1.".tsv" index 1 using 0 nooutput
lines = int(STATS_records)
foot = 26 + 18 * lines
tall = 276 + foot
call "style.gp" ARG1 ARG2

eval read("x_low", "xlow")
eval read("x_high", "xhigh")
array low[2]
array high[2]
array what[2]
do for [i = 1:2] {
    name = i == 1 ? "time" : "memory"
    eval read("found_low", name . "low")
    eval read("found_high", name . "high")
    eval read("found_label", name . "label")
    low[i] = real(found_low)
    high[i] = real(found_high)
    what[i] = found_label
}
array powers[2 * lines]
array scales[2 * lines]
array exponents[2 * lines]
stats data index 1 using (powers[2 * int($0) + 1] = strcol(3), powers[2 * int($0) + 2] = strcol(4), 1) nooutput
stats data index 1 using (scales[2 * int($0) + 1] = real(strcol(5)), exponents[2 * int($0) + 1] = real(strcol(6)), 1) nooutput
stats data index 1 using (scales[2 * int($0) + 2] = real(strcol(7)), exponents[2 * int($0) + 2] = real(strcol(8)), 1) nooutput

# Full marks and open ones, so that both show where two lines are one.
array shape[8] = [7, 4, 9, 12, 5, 6, 11, 8]
mark(i) = shape[(i - 1) % 8 + 1]
dash(i) = (i - 1) % 5 + 1
size = terminal eq "svg" ? 0.6 : 0.8
small = ",10"
letter = terminal eq "pdf" ? 6.5 : 5.6
pitch = 12 * letter + 8
numbers = wide - 2 * pitch
edge = 10.0
room = 54.0
side = wide / 2.0 - room - edge
unset title
set multiplot
if (terminal ne "pdf") { set label 1000 title_text at screen 0.5, screen 1 - 16.0 / tall center font ",13" \
    textcolor rgb "#000000" }
# The legend is a table below both panels.
do for [j = 1:2] {
    heading = j == 1 ? "time" : "memory"
    set label 1001 + j heading at screen (numbers + pitch * (j - 1)) / wide, screen (foot - 10.0) / tall \
        left font small textcolor rgb ink
}
do for [i = 1:lines] {
    height = (foot - 10.0 - 18 * i) / tall
    set arrow i from screen 14.0 / wide, screen height to screen 38.0 / wide, screen height nohead lw line dt dash(i) \
        lc rgb color(slot[i])
    set label 10 * i "" at screen 26.0 / wide, screen height point pt mark(i) ps size lc rgb color(slot[i])
    set label 10 * i + 1 short(label[i], (numbers - 46) / letter) at screen 46.0 / wide, screen height left \
        font small textcolor rgb "#000000"
    do for [j = 1:2] {
        set label 10 * i + 1 + j powers[2 * (i - 1) + j] at screen (numbers + pitch * (j - 1)) / wide, screen height \
            left font small \
            textcolor rgb "#000000"
    }
}
set logscale xy
set xrange [real(x_low):real(x_high)]
set xtics font small
set ytics font small
set xlabel offset 0, 0.6 font small
unset mxtics
unset mytics
set tmargin at screen 1 - (terminal eq "pdf" ? 8.0 : 34.0) / tall
set bmargin at screen (foot + 52.0) / tall
# Every doubling, or every fourth, ... so that numbers keep apart.
doublings = log(real(x_high) / real(x_low)) / log(2)
pace = 2**ceil(doublings / 5)
set xtics 2**ceil(log(real(x_low)) / log(2)), pace
do for [j = 1:2] {
    set lmargin at screen (room + (j - 1) * (wide / 2.0)) / wide
    set rmargin at screen (room + (j - 1) * (wide / 2.0) + side) / wide
    set yrange [low[j]:high[j]]
    eval round_tics("y", log10(high[j] / low[j]))
    set ylabel what[j] offset 0.8, 0 font small textcolor rgb ink
    plot for [i = 1:lines] scales[2 * (i - 1) + j] * x**exponents[2 * (i - 1) + j] with lines lw line dt dash(i) \
        lc rgb color(slot[i]), \
        for [i = 1:lines] data index 2 using ($1 == i ? $2 : NaN):(column(2 + j)) with points pt mark(i) ps size \
            lc rgb color(slot[i])
    do for [i = 1:lines] {
        unset arrow i
        do for [k = 0:3] { unset label 10 * i + k }
    }
    do for [k = 1000:1003] { unset label k }
}
unset multiplot
