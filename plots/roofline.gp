# roofline.gp: speed of every op against the operations it does for each byte, under what the machine can do.
#
# An op's backward pass is joined to its forward by a line; the label stands where there is room, joined to the forward dot
# where that is far. Reads, after the blocks of style.gp, a block of "op, intensity and GFLOP/s forward, the same backward, left
# end of the label and end of the line to it as shares of the plot", and of the facts the machine's peak (GFLOP/s), its
# bandwidth (GB/s) and the axes.
dots = 1
tall = 454
call "style.gp" ARG1 ARG2 ARG3

eval read("peak_text", "peak")
eval read("bandwidth_text", "bandwidth")
eval read("x_low", "xlow")
eval read("x_high", "xhigh")
eval read("y_low", "ylow")
eval read("y_high", "yhigh")
peak = real(peak_text)
bandwidth = real(bandwidth_text)
roof(x) = x * bandwidth < peak ? x * bandwidth : peak

set logscale xy
set xrange [real(x_low):real(x_high)]
set yrange [real(y_low):real(y_high)]
eval round_tics("x", log10(real(x_high) / real(x_low)))
eval round_tics("y", log10(real(y_high) / real(y_low)))
set ylabel offset 1.5, 0
set xlabel offset 0, 0.4
set lmargin at screen 60.0 / wide
set rmargin at screen 500.0 / wide
set tmargin at screen 1 - 34.0 / tall
set bmargin at screen 90.0 / tall
set samples 400
label_x(share) = real(x_low) * (real(x_high) / real(x_low))**share
label_y(share) = real(y_low) * (real(y_high) / real(y_low))**share
ridge = peak / bandwidth
set label 300 sprintf("FMA peak %.0f GFLOP/s", peak) at graph 0.99, first peak right offset 0, 0.6 textcolor rgb ink font ",10"
set label 301 sprintf("triad %.1f GB/s", bandwidth) at first ridge, first peak right offset -1.6, -0.2 textcolor rgb ink \
    font ",10"
plot roof(x) with lines lw 2 lc rgb ink, \
    data index 2 using 2:3:($4 - $2):($5 - $3) with vectors nohead lw 0.9 lc rgb "#AAAAAA", \
    data index 2 using 2:3:(label_x($8) - $2):(label_y($9) - $3) with vectors nohead lw 0.6 dt (2, 3) lc rgb ink, \
    data index 2 using 4:5 with points pt 7 ps 0.9 lc rgb color(2), \
    data index 2 using 2:3 with points pt 7 ps 0.9 lc rgb color(1), \
    data index 2 using (label_x($6)):(label_y($7)):1 with labels left font ",10" textcolor rgb "#000000"
