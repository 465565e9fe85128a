import { useQuestions } from "../api/queries";
import { ErrorNote, Loading } from "../ui/basics";
import { Needs } from "../ui/Needs";

export function ReviewPage() {
  const questions = useQuestions();
  return (
    <div className="stack">
      <div>
        <h1 style={{ margin: 0 }}>Needs you</h1>
        <div className="muted">Plans that wait for approval, and commands of which only a person can say what became of them.</div>
      </div>
      {questions.isError && <ErrorNote error={questions.error} what="The questions cannot be listed" retry={() => void questions.refetch()} />}
      {questions.isPending && <Loading />}
      {questions.data && <Needs questions={questions.data} named />}
      {questions.data && !questions.data.length && <section className="card empty"><h2 style={{ fontSize: 18, margin: 0 }}>Nothing waits for you</h2><p className="muted" style={{ marginBottom: 0 }}>The laboratory goes on by itself.</p></section>}
    </div>
  );
}
