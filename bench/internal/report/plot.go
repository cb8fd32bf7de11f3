package report

import (
	"fmt"
	"io"

	"github.com/wertfach/wertfach/bench/internal/chart"
	"github.com/wertfach/wertfach/bench/internal/result"
	"github.com/wertfach/wertfach/bench/internal/stats"
)

// Plot draws the rows in three groups: rates beside the floor, where more is
// better; times beside the floor, where less is; and what has a limit of its
// own, as a part of that limit.
func Plot(w io.Writer, rows []result.Row) error {
	rates := chart.Panel{Title: "Throughput", Axis: "calls a second, as a part of the floor's (more is better)"}
	times := chart.Panel{Title: "Time", Axis: "time of a call, as a multiple of the floor's (less is better)"}
	amounts := chart.Panel{Title: "Memory and start", Axis: "as a part of what is allowed (less is better)"}
	for _, r := range rows {
		if _, asked := r.Bound.Limit(); !asked || len(r.Counts) > 0 {
			continue
		}
		line, err := line(r)
		if err != nil {
			return err
		}
		switch {
		case !r.Compared():
			amounts.Lines = append(amounts.Lines, line)
		case r.Bound.AtLeast > 0:
			rates.Lines = append(rates.Lines, line)
		default:
			times.Lines = append(times.Lines, line)
		}
	}
	return chart.Write(w, []chart.Panel{rates, times, amounts})
}

func line(r result.Row) (chart.Line, error) {
	verdict, err := r.Judge()
	if err != nil {
		return chart.Line{}, err
	}
	values, err := r.Values()
	if err != nil {
		return chart.Line{}, err
	}
	limit, _ := r.Bound.Limit()
	l := chart.Line{
		Label: r.Target + "  " + r.What, Target: limit, Met: verdict == result.Met, Values: values,
		Note: fmt.Sprintf("%.2f (%s)", stats.Of(values).Median, asked(r)),
	}
	if !r.Compared() {
		l.Values = make([]float64, len(values))
		for i, v := range values {
			l.Values[i] = v / limit
		}
		l.Target = 1
		l.Note = fmt.Sprintf("%s (%s)", number(stats.Of(values).Median), asked(r))
	}
	return l, nil
}
