#include "tools/quickstart_compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "tools/cli/interrupt.h"
#include "tools/cli/text_format.h"

namespace rawkv::quickstart {
namespace {

constexpr size_t kExamplesMax = 5;

// One step's listing beside one version's keys, both in byte order.
class Walk {
 public:
  Walk(Iterator& at, const History& history, uint64_t number)
      : at_(at), history_(history), where_(fmt::format("version {} ({})", number, Name(history, number))) {}

  Result<Comparison> Run(const std::vector<Expected>& listing) {
    out_.versions = 1;
    at_.SeekToFirst();
    for (const Expected& expected : listing) {
      if (ctl::InterruptPending()) return Status::FailedPrecondition("interrupted");
      RAWKV_RETURN_IF_ERROR(Step(expected));
    }
    SkipExtraBefore(nullptr);
    RAWKV_RETURN_IF_ERROR(at_.status());
    return std::move(out_);
  }

 private:
  static std::string Name(const History& history, uint64_t number) {
    return number == 0 ? "empty" : history.StepName() + " " + history.step(number).name;
  }

  Status Step(const Expected& expected) {
    SkipExtraBefore(&expected.key);
    RAWKV_RETURN_IF_ERROR(at_.status());
    if (!at_.Valid() || at_.key() != expected.key) {
      out_.AddDifference(fmt::format("{}: {} is missing", where_, ctl::EscapeKey(expected.key)));
      return Status::Ok();
    }
    RAWKV_ASSIGN_OR_RETURN(const std::string value, at_.ReadValue());
    RAWKV_ASSIGN_OR_RETURN(const bool same, history_.Matches(expected, AsBytes(value)));
    if (same && value.size() == at_.value_bytes()) {
      ++out_.keys;
      out_.value_bytes += value.size();
    } else {
      out_.AddDifference(fmt::format("{}: {} has other content than {} ({} bytes)", where_,
                                     ctl::EscapeKey(expected.key), history_.JudgesOwn(), value.size()));
    }
    at_.Next();
    return Status::Ok();
  }

  // Without a limit: to the end.
  void SkipExtraBefore(const std::string* limit) {
    for (; at_.Valid() && (limit == nullptr || at_.key() < *limit); at_.Next()) {
      out_.AddDifference(fmt::format("{}: {} should not be there", where_, ctl::EscapeKey(at_.key())));
    }
  }

  Iterator& at_;
  const History& history_;
  const std::string where_;
  Comparison out_;
};

}  // namespace

void Comparison::Add(const Comparison& other) {
  versions += other.versions;
  keys += other.keys;
  value_bytes += other.value_bytes;
  bytewise += other.bytewise;
  differences += other.differences;
  for (const std::string& text : other.examples) {
    if (examples.size() < kExamplesMax) examples.push_back(text);
  }
}

void Comparison::AddDifference(std::string text) {
  ++differences;
  if (examples.size() < kExamplesMax) examples.push_back(std::move(text));
}

Result<Comparison> CompareAll(Engine& engine, std::shared_ptr<const ReadView> view, const History& history,
                              uint64_t number) {
  RAWKV_ASSIGN_OR_RETURN(const auto listing, history.ListingAt(number));
  IteratorOptions whole;
  whole.view = std::move(view);
  RAWKV_ASSIGN_OR_RETURN(const auto at, engine.NewIterator(whole));
  return Walk(*at, history, number).Run(listing);
}

Result<Comparison> CompareSome(Engine& engine, const ReadView* view, const History& history,
                               const SpotCheck& check) {
  RAWKV_ASSIGN_OR_RETURN(const auto listing, history.ListingAt(check.number));
  RAWKV_ASSIGN_OR_RETURN(const auto content, history.OpenContent());
  Comparison out;
  const uint64_t count = std::min<uint64_t>(check.keys, listing.size());
  for (uint64_t i = 0; i < count; ++i) {
    const Expected& expected = listing[(2 * i + 1) * listing.size() / (2 * count)];
    RAWKV_ASSIGN_OR_RETURN(const std::string bytes, content->ReadWhole(expected.content));
    const auto value = engine.Get(expected.key, {.view = view});
    if (value.ok() && value->bytes == bytes) {
      ++out.bytewise;
    } else if (value.ok() || value.status().code() == StatusCode::kNotFound) {
      out.AddDifference(fmt::format("version {}: a point read of {} {}", check.number,
                                    ctl::EscapeKey(expected.key),
                                    value.ok() ? "gives other bytes" : "finds nothing"));
    } else {
      return value.status();
    }
  }
  return out;
}

Status RequireEqual(const Comparison& comparison) {
  if (comparison.equal()) return Status::Ok();
  std::string text =
      std::to_string(comparison.differences) + " difference" + (comparison.differences == 1 ? "" : "s");
  for (const std::string& example : comparison.examples) text += "; " + example;
  return Status::Corruption(text);
}

}  // namespace rawkv::quickstart
