# style.gp: the look that every figure shares: paper, letters, lines, colours.
#
# A figure is drawn in the folder that holds its data and these scripts:
#     gnuplot -c SCRIPT.gp FIGURE svg|png|pdf [log]
# reads FIGURE.tsv and writes FIGURE.svg, .png or .pdf; `log` makes the horizontal axis logarithmic. A script sets `tall`, in
# pixels without the legend, before it calls this file, and `dots` when its legend shows dots, not lines. A PDF is 3.3 inches
# wide, one column of a paper, and leaves its title to the caption. Colours are Okabe and Ito's, which colour-blind readers can
# tell apart: change them here and all figures follow.

figure = ARG1
terminal = ARG2 eq "" ? "svg" : ARG2
logarithmic = ARG3 eq "log"
data = figure . ".tsv"
wide = terminal eq "pdf" ? 396 : 520

# Slot 0 is the baseline, 1 to 6 the arms that are told apart, 7 everything else.
array palette[8] = ["#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F"]
color(slot) = palette[int(slot) + 1]
ink = "#444444"      # axes and letters
faint = "#DDDDDD"    # grid
shade = 0.18         # opacity of a band
line = 1.8           # width of a curve
dot = 0.45           # size of a seed's dot

set encoding utf8
set datafile separator "\t"
set datafile missing "NULL"

# Block 0 of the data: a name and a value a line. Block 1: the arms, one a line: colour slot, label; the first `named` of them
# have a place in the legend.
read(variable, key) = sprintf("found = ''; " \
    . "stats data index 0 using (strcol(1) eq '%s' ? (found = strcol(2), 1) : 0) nooutput; " \
    . "%s = found", key, variable)
eval read("title_text", "title")
eval read("x_text", "xlabel")
eval read("y_text", "ylabel")
eval read("named", "named")
named = int(named)
stats data index 1 using 1 nooutput
arms = int(STATS_records)
array slot[arms]
array label[arms]
longest = 0
short(name, most) = strlen(name) > most ? name[1:most - 1] . "…" : name
stats data index 1 using (slot[int($0) + 1] = $1, label[int($0) + 1] = short(strcol(2), wide / 8), \
    longest = $0 < named && strlen(label[int($0) + 1]) > longest ? strlen(label[int($0) + 1]) : longest, 1) nooutput

# The legend stands below, in as many columns as its longest label leaves room for. gnuplot's own guesses at the width of
# letters.
entries = named + (named > 0 && named < arms)
legend_left = 48
legend_columns = floor((wide - legend_left) / (44.0 + 6.3 * longest))
legend_columns = legend_columns < 1 ? 1 : legend_columns > 3 ? 3 : legend_columns
legend_rows = ceil(1.0 * entries / legend_columns)
legend_tall = entries ? 20 + 18 * legend_rows : 0
legend_pitch = 1.0 * (wide - legend_left) / legend_columns
tall = tall + legend_tall

if (terminal eq "svg") {
    set terminal svg size wide, tall font "Arial,12" noenhanced background "#FFFFFF"
} else { if (terminal eq "png") {
    set terminal pngcairo size 2 * wide, 2 * tall font "Liberation Sans,12" fontscale 2 linewidth 2 pointscale 2 noenhanced
} else {
    set terminal pdfcairo size 3.3, 3.3 * tall / wide font "Liberation Sans,12" \
        fontscale 0.6 linewidth 0.6 pointscale 0.6 noenhanced
}}
set output figure . "." . terminal

set border 3 lc rgb ink lw 0.8
set tics out nomirror scale 0.5 textcolor rgb ink
set grid back lt 1 lc rgb faint lw 0.6 dt solid
set style fill transparent solid shade noborder
set errorbars 0
set minussign
if (terminal ne "pdf") { set title title_text offset 0, -0.3 font ",13" textcolor rgb "#000000" }
if (terminal eq "pdf") { set tmargin 0.8 } else { set tmargin 2.4 }
set xlabel x_text offset 0, 0.3 textcolor rgb ink
set ylabel y_text textcolor rgb ink
set key off
if (entries) { set bmargin at screen (legend_tall + 48.0) / tall }
entry_left(i) = legend_left + legend_pitch * ((i - 1) / legend_rows)
entry_height(i) = (legend_tall - 12 - 18.0 * ((i - 1) % legend_rows)) / tall
do for [i = 1:entries] {
    tint = i > named ? color(7) : color(slot[i])
    if (exists("dots")) {
        set label 100 + i "" at screen (entry_left(i) + 11) / wide, screen entry_height(i) point pt 7 ps 1.1 lc rgb tint
    } else {
        set arrow 100 + i from screen entry_left(i) / wide, screen entry_height(i) to screen (entry_left(i) + 22) / wide, \
            screen entry_height(i) nohead lw 2.5 lc rgb tint
    }
    set label 200 + i i > named ? sprintf("%d others", arms - named) : label[i] at screen (entry_left(i) + 30) / wide, \
        screen entry_height(i) left textcolor rgb ink
}

# A logarithmic axis with a number at 1, 2 and 5, or at whole decades when there are many.
round_tics(axis, decades) = sprintf("set %stics (); do for [e = -12:12] { set %stics add ('%%g' 10.0**e); " \
    . "if (%g < 2.5) { set %stics add ('%%g' 2 * 10.0**e, '%%g' 5 * 10.0**e) } }", axis, axis, decades, axis)

# The distance of about `count` marks over a span: 1, 2 or 5 times a power of ten. A quotient of two whole numbers would be cut.
mark(share) = share < 1.5 ? 1 : share < 3.5 ? 2 : share < 7.5 ? 5 : 10
decade(width) = 10.0**floor(log10(width))
step(span, count) = mark(1.0 * span / count / decade(1.0 * span / count)) * decade(1.0 * span / count)
