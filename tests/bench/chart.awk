# chart.awk: draws the table of `bench chart` (batch, line, tokens/s, by tabs) as SVG. Both axes are logarithmic. Colours
# are chosen to be read on light and on dark pages alike, so there is no background.
BEGIN {
    FS = "\t"
    left = 58; right = 560; top = 44; bottom = 380
    colour["ours"] = "#e8590c"; colour["oneDNN"] = "#3b8bea"; colour["PyTorch"] = "#9a6dd7"; colour["limit"] = "#8b949e"
}
NR == 1 { next }
{
    if (!($2 in points)) order[++lines] = $2
    points[$2]++
    batch[$2, points[$2]] = $1; rate[$2, points[$2]] = $3
    if ($1 > most_batch) most_batch = $1
    if ($3 > most) most = $3
    if (!least || $3 < least) least = $3
}
function x(b) { return left + (right - left) * log(b) / log(most_batch) }
function y(r) { return bottom - (bottom - top) * log(r / low) / log(high / low) }
function short(r) { return r >= 1e6 ? r / 1e6 " M" : r / 1e3 " k" }
function text(across, down, anchor, words, more) {
    printf "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" %s>%s</text>\n", across, down, anchor, more, words
}
END {
    for (low = 1000; low * 10 <= least; low *= 10) continue
    low *= least >= 5 * low ? 5 : least >= 2 * low ? 2 : 1
    for (high = low; high < most; high *= 10) continue
    high /= high / 5 >= most ? 5 : high / 2 >= most ? 2 : 1
    print "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 720 430\" font-family=\"sans-serif\" font-size=\"13\"" \
        " fill=\"#7d8590\">"
    print "<title>Tokens a second by the size of a batch, on one core</title>"
    text(left, 20, "start", "Tokens a second on one core, by texts in a batch (E = H = 256, one direction)", "font-size=\"14\"")
    for (decade = 1000; decade <= high; decade *= 10)
        for (step = 1; step <= 5; step += step == 1 ? 1 : 3)
            if (decade * step >= low && decade * step <= high) {
                at = y(decade * step)
                printf "<path d=\"M%d %.1fH%d\" stroke=\"#8b949e\" stroke-opacity=\".25\"/>\n", left, at, right
                text(left - 8, at + 4, "end", short(decade * step))
            }
    for (b = 1; b <= most_batch; b *= 2) text(x(b), bottom + 20, "middle", b)
    for (i = 1; i <= lines; i++) {
        name = order[i]
        split(name, word, " ")
        dash = word[1] == "limit" ? "2 4" : word[2] == "fp32" ? "7 4" : "none"
        path = ""
        for (p = 1; p <= points[name]; p++)
            path = path sprintf("%s%.1f %.1f", p == 1 ? "M" : "L", x(batch[name, p]), y(rate[name, p]))
        printf "<path d=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"%s\" stroke-dasharray=\"%s\"/>\n",
            path, colour[word[1]], word[1] == "ours" ? 3 : 2, dash
        for (p = 1; p <= points[name] && word[1] != "limit"; p++)
            printf "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>\n", x(batch[name, p]), y(rate[name, p]),
                colour[word[1]]
        place[i] = y(rate[name, points[name]])
    }
    # Labels at the ends of the lines, from the top down, no two within 17 of one another.
    for (i = 1; i <= lines; i++) {
        next_line = 0
        for (j = 1; j <= lines; j++)
            if (!done[j] && (!next_line || place[j] < place[next_line])) next_line = j
        done[next_line] = 1
        at = i > 1 && place[next_line] < last + 17 ? last + 17 : place[next_line]
        last = at
        split(order[next_line], word, " ")
        text(right + 10, at + 4, "start", order[next_line],
            "fill=\"" colour[word[1]] "\"" (word[1] == "ours" ? " font-weight=\"bold\"" : ""))
    }
    print "</svg>"
}
