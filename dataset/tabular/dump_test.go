package tabular_test
import ("testing";"os";"fmt";"path/filepath";"github.com/athanor-lab/athanor/dataset/tabular")
func TestDump(t *testing.T){
 ms,_:=filepath.Glob(os.Getenv("ATHANOR_DATA")+"/import/*/*")
 for _,m:=range ms { switch filepath.Ext(m) { case ".csv",".tsv",".xlsx",".txt": default: continue }
  s,err:=tabular.Open(m,tabular.Options{}); fmt.Println("==",filepath.Base(m)); if err!=nil {fmt.Println("ERR",err);continue}
  for _,tb:=range s.Tables { c:=map[tabular.Role]int{}; err:=tb.Each(func(r tabular.Record) error {c[r.Role]++; return nil}); 
   n:=tb.Layout.Names; if len(n)>8 {n=n[:8]}; u:=tb.Layout.Units; if len(u)>8{u=u[:8]}
   fmt.Printf("%s %+v hdr %d-%d units %d data %d w %d %q %q\n  %v %v\n",tb.Name,tb.Dialect,tb.Layout.HeaderFrom,tb.Layout.HeaderTo,tb.Layout.UnitsRow,tb.Layout.DataFrom,tb.Layout.Width,n,u,c,err)
   for i,nt:=range tb.Notes { if i<4 {fmt.Printf("   %s r%d c%d %.2f\n",nt.Code,nt.Row,nt.Column,nt.Confidence)}} }
  s.Close() } }
