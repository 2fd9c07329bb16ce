// Command plot draws what `bench -json` wrote: every ratio that has a goal, from its lowest to
// its highest round, and the goal. It is a module of its own, so that its drawing library is not
// a dependency of anything else.
package main

import (
	"encoding/json"
	"fmt"
	"image/color"
	"log"
	"os"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// results are what is drawn of the file.
type results struct {
	Machine struct {
		CPU, Kernel, Go string
		CPUs            int
	}
	Groups []struct {
		Title       string
		CPUs        int
		By          string
		Comparisons []comparison
	}
}

type comparison struct {
	Of, To, Metric          string
	Median, Lowest, Highest float64
	AtMost, AtLeast         float64
	Missing                 bool
	Verdict                 string
}

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: plot RESULTS.json PLOT.svg")
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		log.Fatal(err)
	}
}

func run(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	var r results
	if err := json.Unmarshal(text, &r); err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	names, ratios := r.ratios()
	if len(names) == 0 {
		return fmt.Errorf("%s: there is no ratio with a goal in it", from)
	}
	p, err := chart(names, ratios)
	if err != nil {
		return err
	}
	p.Title.Text = fmt.Sprintf("%s, CPUs: %d, %s, %s", r.Machine.CPU, r.Machine.CPUs, r.Machine.Kernel, r.Machine.Go)
	const width, row, rest = 11 * vg.Inch, 14, 100
	return p.Save(width, vg.Length(rest+row*len(names)), to)
}

// ratios are those that have a goal, the first one at the top, which is the last on the
// axis.
func (r results) ratios() (names []string, all []comparison) {
	for _, g := range r.Groups {
		for _, c := range g.Comparisons {
			if c.To == "" || c.Missing || c.AtMost+c.AtLeast == 0 || c.Lowest <= 0 {
				continue
			}
			names = append(names, fmt.Sprintf("%s (CPUs: %d), %s: %s / %s", g.Title, g.CPUs, c.Metric, c.Of, c.To))
			all = append(all, c)
		}
	}
	slices.Reverse(names)
	slices.Reverse(all)
	return names, all
}

var (
	green = color.RGBA{R: 0x1a, G: 0x7f, B: 0x37, A: 0xff}
	red   = color.RGBA{R: 0xcf, G: 0x22, B: 0x2e, A: 0xff}
	grey  = color.RGBA{R: 0x8c, G: 0x95, B: 0x9f, A: 0xff}
)

// series are the dots of one colour.
type series struct {
	name  string
	color color.Color
	shape draw.GlyphDrawer
	at    plotter.XYs
}

func chart(names []string, ratios []comparison) (*plot.Plot, error) {
	met := &series{name: "goal met", color: green, shape: draw.CircleGlyph{}}
	missed := &series{name: "goal missed", color: red, shape: draw.CircleGlyph{}}
	atMost := &series{name: "goal: no more", color: grey, shape: tick{-1}}
	atLeast := &series{name: "goal: no less", color: grey, shape: tick{1}}
	p := plot.New()
	p.BackgroundColor = color.White
	p.X.Label.Text = "ratio, median of the rounds; the line is from the lowest to the highest"
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, marks{}
	p.NominalY(names...)
	p.Y.Min, p.Y.Max = -1, float64(len(names)) // room around them
	p.Y.Tick.Label.Font.Size = 9
	p.Add(plotter.NewGrid())
	for i, c := range ratios {
		y := float64(i)
		rounds, err := plotter.NewLine(plotter.XYs{{X: c.Lowest, Y: y}, {X: c.Highest, Y: y}})
		if err != nil {
			return nil, err
		}
		rounds.Color = grey
		p.Add(rounds)
		dots, goals := missed, atMost
		if c.Verdict == "met" {
			dots = met
		}
		if c.AtLeast > 0 {
			goals = atLeast
		}
		dots.at = append(dots.at, plotter.XY{X: c.Median, Y: y})
		goals.at = append(goals.at, plotter.XY{X: c.AtMost + c.AtLeast, Y: y})
	}
	p.Legend.Top = true
	for _, s := range []*series{met, missed, atMost, atLeast} {
		if err := s.add(p); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (s *series) add(p *plot.Plot) error {
	if len(s.at) == 0 {
		return nil
	}
	dots, err := plotter.NewScatter(s.at)
	if err != nil {
		return err
	}
	dots.GlyphStyle = draw.GlyphStyle{Color: s.color, Shape: s.shape, Radius: 3}
	p.Add(dots)
	p.Legend.Add(s.name, dots)
	return nil
}

// tick is a bar with a foot that shows where the goal is kept: at its left (-1) or right.
type tick struct{ side vg.Length }

func (t tick) DrawGlyph(c *draw.Canvas, style draw.GlyphStyle, at vg.Point) {
	height := 2 * style.Radius
	c.SetLineStyle(draw.LineStyle{Color: style.Color, Width: 1.5})
	var bar vg.Path
	bar.Move(vg.Point{X: at.X, Y: at.Y - height})
	bar.Line(vg.Point{X: at.X, Y: at.Y + height})
	bar.Move(at)
	bar.Line(vg.Point{X: at.X + t.side*height, Y: at.Y})
	c.Stroke(bar)
}

// marks are those of a ratio.
type marks struct{}

func (marks) Ticks(lowest, highest float64) (all []plot.Tick) {
	for _, at := range []float64{0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50} {
		if at >= lowest && at <= highest {
			all = append(all, plot.Tick{Value: at, Label: fmt.Sprint(at)})
		}
	}
	return all
}
