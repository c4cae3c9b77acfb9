// The calls of the C interface that describe a store and its history as text.

#include "bindings/c/handles.h"
#include "engine/admin/inspect.h"
#include "report/history_json.h"
#include "report/info_json.h"
#include "report/metrics.h"

namespace rawkv::c {
namespace {

// A page of lines ends after the line with which it has so many bytes.
constexpr size_t kPageBytes = 4u << 20;

// Collects lines until the page is full.
class Page {
 public:
  // An error once the page is full; it ends the walk and is no error of the call.
  Status Add(const OrderedJson& row) {
    text_ += JsonText(row) + '\n';
    ++count_;
    full_ = text_.size() >= kPageBytes;
    return full_ ? Status::Busy("the page is full") : Status::Ok();
  }
  // `walked`: the status of the walk.
  Result<std::string> Finish(const Status& walked, size_t* count) {
    if (!walked.ok() && !full_) return walked;
    *count = count_;
    return std::move(text_);
  }

 private:
  std::string text_;
  size_t count_ = 0;
  bool full_ = false;
};

Status CheckQuery(const rawkv_query* query) {
  if (query->struct_size >= sizeof(rawkv_query) && (query->flags & ~RAWKV_WITH_CHANGES) == 0) {
    return Status::Ok();
  }
  return Status::InvalidArgument("rawkv_query: a wrong struct_size or flag");
}

template <typename Options>
void SetBounds(const rawkv_query& query, Options* options) {
  options->lower = AsView(query.lower, query.lower_size);
  options->upper = AsView(query.upper, query.upper_size);
  options->prefix = AsView(query.prefix, query.prefix_size);
  options->limit = query.limit;
}

}  // namespace
}  // namespace rawkv::c

using namespace rawkv;     // NOLINT: the functions below are outside of any namespace
using namespace rawkv::c;  // NOLINT

int rawkv_stats_json(rawkv_engine* engine, char** json, char** error) {
  return RunForText(json, error, [&]() -> Result<std::string> {
    Figures figures = {{"version", engine->engine->version().value()},
                       {"durable_version", engine->engine->durable_version().value()}};
    const EngineStats stats = engine->engine->stats();
    for (const Figures& part : {CountersAndRateOf(stats), ValueCacheOf(stats)}) {
      figures.insert(figures.end(), part.begin(), part.end());
    }
    return JsonText(FiguresJson(figures));
  });
}

int rawkv_info_json(rawkv_engine* engine, char** json, char** error) {
  return RunForText(json, error, [&]() -> Result<std::string> {
    RAWKV_ASSIGN_OR_RETURN(const EngineInfo info, engine->engine->Info());
    return JsonText(InfoJson(info));
  });
}

int rawkv_prometheus_text(rawkv_engine* engine, char** text, char** error) {
  return RunForText(text, error, [&]() -> Result<std::string> {
    RAWKV_ASSIGN_OR_RETURN(const EngineInfo info, engine->engine->Info());
    const EngineStats stats = engine->engine->stats();
    OpenOptions options;
    if (engine->logger != nullptr) options.env.logger = engine->logger.get();
    RAWKV_ASSIGN_OR_RETURN(const std::vector<LogSegmentRow> segments, ListLog(engine->dir, options));
    return PrometheusText(info, segments, engine->read_only ? nullptr : &stats);
  });
}

int rawkv_snapshots_json(rawkv_engine* engine, char** lines, char** error) {
  return RunForText(lines, error, [&]() -> Result<std::string> {
    RAWKV_ASSIGN_OR_RETURN(const EngineInfo info, engine->engine->Info());
    std::string text;
    for (const SnapshotRow& row : info.snapshots) text += JsonText(SnapshotJson(row)) + '\n';
    return text;
  });
}

int rawkv_commit_json(rawkv_engine* engine, uint64_t version, char** json, char** error) {
  return RunForText(json, error, [&]() -> Result<std::string> {
    RAWKV_ASSIGN_OR_RETURN(const CommitRecord commit, engine->engine->GetCommit(Version(version)));
    return JsonText(CommitJson(commit));
  });
}

int rawkv_version_at(rawkv_engine* engine, uint64_t unix_ms, uint64_t* version, char** error) {
  *version = 0;
  return Run(error, [&]() -> Status {
    RAWKV_ASSIGN_OR_RETURN(const Version found, engine->engine->FindVersionAt(unix_ms));
    *version = found.value();
    return Status::Ok();
  });
}

int rawkv_history_json(rawkv_engine* engine, const rawkv_query* query, char** lines, size_t* count,
                       char** error) {
  *count = 0;
  return RunForText(lines, error, [&]() -> Result<std::string> {
    RAWKV_RETURN_IF_ERROR(CheckQuery(query));
    HistoryOptions options{.changes = (query->flags & RAWKV_WITH_CHANGES) != 0};
    SetBounds(*query, &options);
    if (query->from != 0) options.from = Version(query->from);
    options.to = VersionOrTip(query->to);
    Page page;
    const Status walked = engine->engine->ReadHistory(
        options, [&](const HistoryEntry& entry) { return page.Add(HistoryEntryJson(entry, options)); });
    return page.Finish(walked, count);
  });
}

int rawkv_diff_json(rawkv_engine* engine, const rawkv_query* query, char** lines, size_t* count,
                    char** error) {
  *count = 0;
  return RunForText(lines, error, [&]() -> Result<std::string> {
    RAWKV_RETURN_IF_ERROR(CheckQuery(query));
    DiffOptions options;
    SetBounds(*query, &options);
    options.from = VersionOrTip(query->from).value_or(engine->engine->version());
    options.to = VersionOrTip(query->to).value_or(engine->engine->version());
    Page page;
    const Status walked = engine->engine->Diff(
        options, [&](const KeyDifference& difference) { return page.Add(DifferenceJson(difference)); });
    return page.Finish(walked, count);
  });
}

int rawkv_estimate_view_json(rawkv_engine* engine, uint64_t version, char** json, char** error) {
  return RunForText(json, error, [&]() -> Result<std::string> {
    RAWKV_ASSIGN_OR_RETURN(const ReplayEstimate work, engine->engine->EstimateView(Version(version)));
    return JsonText(EstimateJson(work));
  });
}

int rawkv_rollback_plan_json(rawkv_engine* engine, uint64_t target, uint32_t flags, char** json,
                             char** error) {
  return RunForText(json, error, [&]() -> Result<std::string> {
    RAWKV_ASSIGN_OR_RETURN(const RollbackOptions options,
                           RollbackOptionsOf("rawkv_rollback_plan_json", flags));
    RAWKV_ASSIGN_OR_RETURN(const RollbackPlan plan, engine->engine->PlanRollback(Version(target), options));
    return JsonText(RollbackPlanJson(plan));
  });
}
