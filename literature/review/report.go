package review

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/literature"
	"github.com/athanor-lab/athanor/literature/evidence"
)

// Course is what became of a review in its campaign.
type Course struct {
	Title     string
	Proposals []lab.Proposal // those that were planned, in order
	Credible  []evidence.Credibility
	Outcomes  int // experiments that ended
}

// Markdown writes a review and what became of it. What papers say is written as
// text: nothing in it is markup.
func Markdown(r Review, c Course) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# What the literature says: %s\n\n", text(c.Title))
	fmt.Fprintf(&b, "Question: %s  \nCorpus: %s  \nEvidence: `%s`\n\n", text(r.Query), text(r.Corpus), r.Evidence.Version)
	r.flow(&b)
	r.kept(&b, c)
	r.claims(&b)
	r.checked(&b)
	r.outside(&b)
	r.effect(&b, c)
	r.excluded(&b)
	return b.String()
}

// flow writes the counts of PRISMA.
func (r Review) flow(b *strings.Builder) {
	n := r.Counts
	b.WriteString("## What was searched\n\n| step | works |\n|---|---:|\n")
	fmt.Fprintf(b, "| records identified | %d |\n| duplicates removed | %d |\n| works screened | %d |\n| of them judged by a person | %d |\n| excluded | %d |\n", n.Identified, n.Duplicates, n.Screened, n.ByPeople, n.Excluded)
	for _, w := range n.Reasons {
		fmt.Fprintf(b, "| — %s | %d |\n", w.Why, w.Works)
	}
	fmt.Fprintf(b, "| read for claims | %d |\n| included: they claim something about this campaign's space | %d |\n\n", n.Assessed, n.Included)
}

func (r Review) kept(b *strings.Builder, c Course) {
	if len(r.Kept) == 0 {
		b.WriteString("No paper was kept: the campaign begins as if nothing had been read.\n\n")
		return
	}
	b.WriteString("## What was kept\n\n| rank | paper | year | relevance | judged | findings | claims | credibility |\n|---:|---|---:|---:|---|---:|---:|---|\n")
	for _, k := range r.Kept {
		year := ""
		if k.Paper.Year > 0 {
			year = strconv.Itoa(k.Paper.Year)
		}
		credible := "—"
		if i := slices.IndexFunc(c.Credible, func(x evidence.Credibility) bool { return x.Paper == k.Paper.ID }); i >= 0 && k.Claims > 0 && c.Outcomes > 0 {
			x := c.Credible[i]
			credible = fmt.Sprintf("%.2f (correlation %+.2f)", x.Probability, x.Correlation)
		}
		fmt.Fprintf(b, "| %d | %s | %s | %.2f | %s | %d | %d | %s |\n", k.Rank, cell(k.Paper.Title)+doi(k.Paper), year, k.Relevance, cmp.Or(string(k.Label), "—"), k.Findings, k.Claims, credible)
	}
	fmt.Fprintf(b, "\nCredibility is the probability that experiments near a paper's claims come out better than others, by the %d outcomes so far; 0.5 says nothing.\n\n", c.Outcomes)
}

func doi(p literature.Paper) string {
	if p.DOI == "" {
		return ""
	}
	return " (doi:" + cell(p.DOI) + ")"
}

func (r Review) claims(b *strings.Builder) {
	if len(r.Claims) == 0 {
		return
	}
	b.WriteString("## What they claim\n\n| paper | settings | of | merit | weight | in the paper's words |\n|---|---|---|---:|---:|---|\n")
	for i, c := range r.Claims {
		merit := "—"
		if c.Merit >= 0 {
			merit = fmt.Sprintf("%.2f", c.Merit)
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %.3f | %s |\n", cell(r.title(c.Paper)), cell(settings(c.Settings)), cell(cmp.Or(c.Objective, "—")), merit, r.Evidence.Claims[i].Weight, cell(c.Quote))
	}
	b.WriteString("\n")
}

// checked lists what people said of findings.
func (r Review) checked(b *strings.Builder) {
	if len(r.Checked) == 0 {
		return
	}
	b.WriteString("## What people checked\n\n| paper | found | verdict | counts as | by | on | why | in the paper's words |\n|---|---|---|---|---|---|---|---|\n")
	for _, c := range r.Checked {
		now := "nothing"
		if c.Word.Verdict != literature.Rejected {
			now = finding(c.Now)
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s | %s |\n", cell(r.title(c.Paper)), cell(finding(c.Found)), c.Word.Verdict, cell(now),
			cell(c.Word.By), c.Word.At.UTC().Format("2006-01-02"), cell(cmp.Or(c.Word.Why, "—")), cell(c.Quote))
	}
	b.WriteString("\n")
}

// finding writes a finding in a few words.
func finding(f literature.Finding) string {
	x := quantity(f.Value, lab.Unit(f.Unit))
	if f.High != f.Value {
		x = strconv.FormatFloat(f.Value, 'g', 5, 64) + "–" + quantity(f.High, lab.Unit(f.Unit))
	}
	out := f.Parameter + " " + x
	if f.Operation != "" {
		out += " of " + f.Operation
	}
	if f.Outcome {
		out += " (outcome)"
	}
	return out
}

// outside warns of limits that leave out what others used.
func (r Review) outside(b *strings.Builder) {
	if len(r.Outside) == 0 {
		return
	}
	b.WriteString("## Beyond this campaign's limits\n\nOthers used values that this campaign cannot reach; perhaps its limits are too narrow.\n\n| paper | parameter | value |\n|---|---|---:|\n")
	for _, o := range r.Outside {
		fmt.Fprintf(b, "| %s | %s | %s |\n", cell(r.title(o.Paper)), cell(o.Parameter), quantity(o.Value, o.Unit))
	}
	b.WriteString("\n")
}

// effect says what the papers did to the proposals.
func (r Review) effect(b *strings.Builder, c Course) {
	if len(c.Proposals) == 0 {
		return
	}
	b.WriteString("## What it did to this campaign\n\n| experiment | settings | place without literature | moved by |\n|---:|---|---:|---|\n")
	for _, p := range c.Proposals {
		var by []string
		for i, in := range p.Influences {
			if i == 3 {
				break
			}
			by = append(by, fmt.Sprintf("%.0f %% %s", 100*in.Share, cell(r.title(in.Paper))))
		}
		place := "—"
		if p.Unaided > 0 {
			place = strconv.Itoa(p.Unaided)
		}
		fmt.Fprintf(b, "| %d | %s | %s | %s |\n", p.Number, cell(settings(p.Settings)), place, cmp.Or(strings.Join(by, "; "), "—"))
	}
	b.WriteString("\n")
}

func (r Review) excluded(b *strings.Builder) {
	if len(r.Excluded) == 0 {
		return
	}
	fmt.Fprintf(b, "## What was left out\n\nThe %d that came nearest, of %d.\n\n| paper | why |\n|---|---|\n", len(r.Excluded), r.Counts.Excluded)
	for _, e := range r.Excluded {
		fmt.Fprintf(b, "| %s | %s |\n", cell(e.Title), e.Why)
	}
}

func (r Review) title(id string) string {
	if i := slices.IndexFunc(r.Kept, func(k Kept) bool { return k.Paper.ID == id }); i >= 0 && r.Kept[i].Paper.Title != "" {
		return r.Kept[i].Paper.Title
	}
	return id
}

func settings(all []lab.Setting) string {
	var out []string
	for _, s := range all {
		out = append(out, s.Name+" "+valued(s))
	}
	return strings.Join(out, ", ")
}

func valued(s lab.Setting) string {
	if s.Value.Kind() == lab.IsNumber {
		return quantity(s.Value.Number(), s.Unit)
	}
	return s.Value.String()
}

func quantity(x float64, u lab.Unit) string {
	n := strconv.FormatFloat(x, 'g', 5, 64)
	if u == "" || u == "1" {
		return n
	}
	return n + " " + string(u)
}

// text makes words of others safe in Markdown: markup is escaped, line ends become
// spaces.
func text(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	return strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", "&lt;", ">", "&gt;", "#", `\#`, "|", `\|`).Replace(s)
}

// longestCell bounds what a cell shows of a text, in characters.
const longestCell = 240

func cell(s string) string {
	if r := []rune(s); len(r) > longestCell {
		s = string(r[:longestCell]) + "…"
	}
	return text(s)
}
