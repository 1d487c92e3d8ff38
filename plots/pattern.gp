# pattern.gp: who sees whom: a square for every layer and kind of heads, query rows from the top, key columns from the left.
#
# Dark cells are pairs that are seen, light ones pairs that the kernel visits beside them and masks. Reads, after block 0 of
# style.gp, in which `note` may say what the picture depends on, a block of "0 attention where seen visited", one line a square,
# and for each square a block of "kind first last query".
seen_color = "#0072B2"
visited_color = "#BFDDF0"
stats ARG1.".tsv" index 1 using 0 nooutput
panels = int(STATS_records)
columns = panels == 4 ? 2 : 3
across = panels < columns ? panels : columns
down = ceil(1.0 * panels / columns)
left = 44.0
gap = 22.0
head = panels > 1 ? 46.0 : 22.0
foot = 30.0
# style.gp makes paper 520 wide, a PDF 396: a square's side follows.
paper = ARG2 eq "pdf" ? 396.0 : 520.0
side = (paper - left - gap * across) / across
side = side > 380 ? 380 : side
top = ARG2 eq "pdf" ? 6 : 30
notes = 0
stats ARG1.".tsv" index 0 using (strcol(1) eq "note" ? (notes = 1, 1) : 0) nooutput
legend = 13.0 + 18 * notes
tall = top + down * (side + head + foot) + 21 + legend
call "style.gp" ARG1 ARG2

eval read("positions", "positions")
positions = int(positions)
array where[panels]
array attention[panels]
array shares[panels]
stats data index 1 using (attention[int($0) + 1] = strcol(2), where[int($0) + 1] = strcol(3), \
    shares[int($0) + 1] = sprintf("seen %s%%, visited %s%%", strcol(4), strcol(5)), 1) nooutput

margin = (wide - across * (side + gap) + gap - left) / 2 + left
x_of(i) = margin + ((i - 1) % columns) * (side + gap)
y_of(i) = tall - top - head - ((i - 1) / columns) * (side + head + foot)
lines = side > 4 * positions ? positions - 1 : 0
letters = side / (across > 2 ? 5.0 : across > 1 ? 5.5 : 6.5)
unset key
unset title
unset grid
set border 15 lc rgb ink lw 0.6
set style fill solid 1 noborder
set xrange [0:positions]
set yrange [positions:0]
small = across > 2 ? ",8" : across > 1 ? ",9" : ",11"
usual = across > 1 ? ",10" : ",12"
set tics out nomirror scale 0.4 font small
tick = step(positions, 4)
tick = tick < 1 ? 1 : tick
set xtics tick
set multiplot
if (terminal ne "pdf") { set label 1 short(title_text, 60) at screen 0.5, screen 1 - 16.0 / tall center font ",13" \
    textcolor rgb "#000000" }
set label 2 "" at screen margin / wide, screen legend / tall point pt 5 ps 1.1 lc rgb seen_color
set label 3 "seen" at screen (margin + 12) / wide, screen legend / tall left font usual textcolor rgb ink
set label 4 "" at screen (margin + 62) / wide, screen legend / tall point pt 5 ps 1.1 lc rgb visited_color
set label 5 "visited and masked" at screen (margin + 74) / wide, screen legend / tall left font usual textcolor rgb ink
eval read("note", "note")
if (notes) { set label 6 note at screen margin / wide, screen 12.0 / tall left textcolor rgb ink font ",10" }
do for [i = 1:panels] {
    set lmargin at screen x_of(i) / wide
    set rmargin at screen (x_of(i) + side) / wide
    set tmargin at screen y_of(i) / tall
    set bmargin at screen (y_of(i) - side) / tall
    set ytics tick
    if ((i - 1) % columns) { set format y ""; unset ylabel } else { set format y; set ylabel y_text offset 1, 0 \
        font usual textcolor rgb ink }
    if (i + columns > panels) { set xlabel x_text offset 0, 0.9 font usual textcolor rgb ink } else { unset xlabel }
    set label 10 short(where[i], letters) at screen x_of(i) / wide, screen (y_of(i) + 34) / tall left font small \
        textcolor rgb ink
    set label 11 short(panels > 1 ? attention[i] : "", letters) at screen x_of(i) / wide, screen (y_of(i) + 21) / tall \
        left font small \
        textcolor rgb "#000000"
    set label 12 short(shares[i], letters) at screen x_of(i) / wide, screen (y_of(i) + 9) / tall left font small \
        textcolor rgb ink
    # White lines between cells that are large enough, under the frame, which they would break.
    plot data index 1 + i using ($1 == 1 ? $2 : NaN):($4 + 0.5):2:3:4:($4 + 1) with boxxyerror lc rgb visited_color, \
        data index 1 + i using ($1 == 2 ? $2 : NaN):($4 + 0.5):2:3:4:($4 + 1) with boxxyerror lc rgb seen_color, \
        for [k = 1:lines] [t = 0:positions:positions] '+' using (k):1 with lines lc rgb "#FFFFFF" lw 0.4, \
        for [k = 1:lines] [t = 0:positions:positions] '+' using 1:(k) with lines lc rgb "#FFFFFF" lw 0.4
    do for [k = 1:6] { unset label k }
}
unset multiplot
