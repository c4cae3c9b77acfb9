#include "tests/crash/sim_explorer.h"

#include <cstdio>

#include "base/check.h"
#include "tests/support/split_mix.h"

namespace rawkv {

SimExplorer::SimExplorer(const ExploreOptions& options) : options_(options) {
  SimWorld world(DiskImage(), options.seed);
  SimStore store(world, options.config, options.seed);
  Status status = store.Format();
  if (status.ok()) status = store.MakeStartHistory();
  RAWKV_CHECK(status.ok(), "the start of the histories can be made");
  promise_ = store.promises().back();
  // Treats everything as durable, as on a machine that idled long after the last write.
  start_ = world.disk().Image();
}

bool SimExplorer::RunHistory(const std::vector<SimOp>& ops, uint64_t seed, Run* run) {
  run->name = NameOf(ops);
  run->start = start_;
  run->first = promise_;
  SimWorld world(start_, Mix(options_.seed, 1));
  world.disk().OmitSyncs(options_.omit);
  world.disk().Record(true);
  SimStore store(world, options_.config, seed);
  Status status = store.Open(promise_);
  for (size_t i = 0; status.ok() && i < ops.size(); ++i) status = store.Run(ops[i]);
  run->trace = world.disk().TakeTrace();
  world.disk().Record(false);
  run->promises = store.promises();
  ++counts_.histories;
  if (status.ok()) return true;
  violations_.push_back({"the history itself fails: " + status.ToString(), run->name, world.LogText(), ""});
  return false;
}

void SimExplorer::Explore(const std::vector<SimOp>& ops, bool everywhere) {
  Run run;
  if (!RunHistory(ops, options_.seed + 1, &run)) return;
  run.from_start = everywhere || ops.size() <= 1;
  run.from_mark = ops.empty() ? 0 : ops.size() - 1;
  CrashEverywhere(run, options_.random_plans, options_.seed, options_.place_one_in);
}

void SimExplorer::ExploreRandom(uint64_t seed, size_t length, size_t crashes) {
  Rng rng(seed);
  std::vector<SimOp> ops;
  while (ops.size() < length) ops.push_back(static_cast<SimOp>(rng.Below(kSimOps)));
  Run run;
  if (!RunHistory(ops, options_.seed + 1, &run)) return;
  run.name = "seed " + std::to_string(seed) + " " + run.name;
  run.from_start = true;
  CrashEverywhere(run, options_.random_plans, seed, std::max<size_t>(1, run.trace.size() / crashes));
}

bool SimExplorer::RunKilled(const std::vector<SimOp>& ops, uint64_t changes,
                            const std::vector<Promise>& promises, Run* run) {
  SimWorld world(start_, Mix(options_.seed, 1));
  world.disk().OmitSyncs(options_.omit);
  world.disk().Record(true);
  SimStore store(world, options_.config, options_.seed + 1);
  Status status = store.Open(promise_);
  for (size_t i = 0; status.ok() && i + 1 < ops.size(); ++i) status = store.Run(ops[i]);
  RAWKV_CHECK(status.ok(), "a history that has been run before can be run again");
  world.disk().DieAfter(changes);
  const bool over = store.Run(ops.back()).ok();
  if (over) return false;

  const Allowed allowed{&promises[ops.size() - 1], &promises[ops.size()]};
  Promise found;
  bool after = false;
  std::string problem;
  status = store.ReopenAfterKill();
  if (status.ok()) problem = IdentifyState(store.engine(), allowed, &found, &after);
  if (status.ok() && problem.empty()) status = store.Adopt(found);
  if (status.ok() && problem.empty()) status = store.Run(SimOp::kCommitInline);
  run->name = NameOf(ops) + " killed after " + std::to_string(changes) + " changes in the last, opened again";
  run->start = start_;
  run->first = promise_;
  run->trace = world.disk().TakeTrace();
  run->promises = store.promises();
  run->from_mark = ops.size();
  ++counts_.histories;
  if (!status.ok()) problem = status.ToString();
  if (!problem.empty()) violations_.push_back({problem, run->name, world.LogText(), ""});
  return problem.empty();
}

void SimExplorer::ExploreKills(const std::vector<SimOp>& ops) {
  Run whole;
  if (!RunHistory(ops, options_.seed + 1, &whole)) return;
  for (uint64_t changes = 0; !Done(); ++changes) {
    Run run;
    if (!RunKilled(ops, changes, whole.promises, &run)) break;
    CrashEverywhere(run, options_.random_plans, 0, 1);
  }
}

// Crashes at one place in `of`, chosen by the seed `sample`.
void SimExplorer::CrashEverywhere(const Run& run, size_t random_plans, uint64_t sample, uint64_t of) {
  CrashStates states(run.start);
  size_t marks = 0;
  for (size_t place = 0; place < run.trace.size() && !Done(); ++place) {
    const TraceEvent& event = run.trace[place];
    states.Advance(event);
    if (event.kind == TraceEvent::Kind::kMark) ++marks;
    if (!run.from_start && marks <= run.from_mark) continue;
    if (of > 1 && Mix(sample, place) % of != 0) continue;
    ++counts_.places;
    for (const CrashPlan& plan : CrashPlans(Mix(options_.seed, place), random_plans)) {
      const DiskImage image = Crash(states, plan);
      ++counts_.built;
      JudgeState(
          run, image, marks,
          "crash after I/O " + std::to_string(place) + " (" + Describe(event) + "), " + Describe(plan));
      if (Done()) return;
    }
  }
}

void SimExplorer::JudgeState(const Run& run, const DiskImage& image, size_t marks, const std::string& how) {
  const uint64_t hash = image.Hash();
  const bool is_new = images_.insert(hash).second;
  if (is_new) ++counts_.distinct;
  // A nested run has its own promises, so that the same image must be judged again.
  const uint64_t promised = Mix(Mix(hash, marks), run.depth == 0 ? 0 : reinterpret_cast<uintptr_t>(&run));
  if (!judged_.insert(promised).second) return;
  if (Mix(options_.seed, hash) % 1000 >= options_.per_mille) return;

  const Allowed allowed{.before = marks == 0 ? &run.first : &run.promises[marks - 1],
                        .after = marks < run.promises.size() ? &run.promises[marks] : nullptr};
  const bool nest = run.depth < 2 && options_.nest_one_in != 0 && Mix(hash, 77) % options_.nest_one_in == 0;
  const Scrutiny scrutiny{.check_before = Mix(hash, 1) % 4 == 0,
                          .every_version = Mix(hash, 2) % 4 == 0,
                          .every_copy = Mix(hash, 5) % 4 == 0,
                          .continue_working = Mix(hash, 3) % 4 == 0 || nest,
                          .record = nest};
  const Verdict verdict = Judge(image, allowed, options_.config, scrutiny, Mix(hash, 4));
  if (is_new) ++counts_.judged;
  ++counts_.verdicts;
  if (run.depth > 0) ++counts_.nested;
  if (!verdict.problem.empty()) {
    violations_.push_back({verdict.problem, run.name + ", " + how, verdict.log, image.Describe()});
    return;
  }
  if (!nest) return;
  Run inner{.name = run.name + ", " + how + "; then",
            .start = image,
            .trace = verdict.trace,
            .first = *allowed.before,
            .promises = verdict.promises,
            .from_start = true,
            .depth = run.depth + 1};
  // Until the recovery has finished, a second crash may still leave the state before it.
  CrashEverywhere(inner, 1, hash, std::max<uint64_t>(1, inner.trace.size() / options_.nested_crashes));
}

std::vector<SimOp> SequenceOf(size_t length, uint64_t n) {
  std::vector<SimOp> ops(length);
  for (size_t i = length; i-- > 0; n /= kSimOps) ops[i] = static_cast<SimOp>(n % kSimOps);
  return ops;
}

std::string NameOf(const std::vector<SimOp>& ops) {
  std::string name = "[";
  for (const SimOp op : ops) name += (name.size() > 1 ? ", " : "") + std::string(SimOpName(op));
  return name + "]";
}

std::string Report(const ExploreCounts& c, double seconds, uint64_t seed) {
  char text[400];
  std::snprintf(
      text, sizeof(text),
      "%llu histories, power cut at %llu places, %llu images built, %llu distinct, %llu distinct states "
      "judged (%llu verdicts, %llu within recoveries), %.0f states/s, %.1f s, seed %llu",
      static_cast<unsigned long long>(c.histories), static_cast<unsigned long long>(c.places),
      static_cast<unsigned long long>(c.built), static_cast<unsigned long long>(c.distinct),
      static_cast<unsigned long long>(c.judged), static_cast<unsigned long long>(c.verdicts),
      static_cast<unsigned long long>(c.nested), seconds > 0 ? static_cast<double>(c.judged) / seconds : 0.0,
      seconds, static_cast<unsigned long long>(seed));
  return text;
}

}  // namespace rawkv
