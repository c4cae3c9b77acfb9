#include "engine/read/reader.h"

#include <algorithm>
#include <cstring>
#include <functional>

#include "base/bytes.h"
#include "base/limits.h"

namespace rawkv {
namespace {

Status NoSuchKey() {
  return Status::NotFound("no such key");
}

Status CheckKey(std::string_view key) {
  if (!key.empty() && key.size() <= kMaxKeyBytes) return Status::Ok();
  return Status::InvalidArgument("a key has 1 to " + std::to_string(kMaxKeyBytes) + " bytes, not " +
                                 std::to_string(key.size()));
}

Status TooSmall(uint64_t length, Bytes out) {
  return Status::InvalidArgument("the value has " + std::to_string(length) + " bytes, the buffer " +
                                 std::to_string(out.size()));
}

void CopyInline(const StoredValue& value, Bytes out) {
  const std::string& bytes = std::get<std::string>(value.data);
  if (!bytes.empty()) std::memcpy(out.data(), bytes.data(), bytes.size());
}

}  // namespace

Status CheckSeparateMemory(std::span<const SessionRead> reads) {
  if (reads.size() < 2) return Status::Ok();
  std::vector<const SessionRead*> by_address;
  by_address.reserve(reads.size());
  for (const SessionRead& read : reads) {
    if (!read.out.empty()) by_address.push_back(&read);
  }
  std::ranges::sort(by_address, std::less<>(), [](const SessionRead* read) { return read->out.data(); });
  for (size_t i = 1; i < by_address.size(); ++i) {
    const SessionRead& below = *by_address[i - 1];
    if (below.out.data() + below.out.size() <= by_address[i]->out.data()) continue;
    return Status::InvalidArgument("the memory for " + KeyForMessage(below.key) + " and for " +
                                   KeyForMessage(by_address[i]->key) +
                                   " overlaps; each read needs memory of its own");
  }
  return Status::Ok();
}

std::string KeyForMessage(std::string_view key) {
  constexpr size_t kShown = 80;
  std::string out = "key \"";
  for (const char ch : key.substr(0, kShown)) {
    out += ch >= ' ' && ch < 0x7f ? std::string(1, ch) : "?";
  }
  return out + (key.size() > kShown ? "…\"" : "\"");
}

Result<std::string> ReadStoredValue(PayloadIo& payload, const StoredValue& value) {
  if (value.is_inline()) return std::get<std::string>(value.data);
  const PayloadRef& ref = std::get<PayloadRef>(value.data);
  std::string out(ref.length, '\0');
  RAWKV_RETURN_IF_ERROR(payload.Read(
      {.ref = &ref, .offset = 0, .length = ref.length, .out = AsWritableBytes(out), .status = {}}));
  return out;
}

Result<IndexEntry> Reader::Find(std::string_view key) {
  RAWKV_RETURN_IF_ERROR(CheckKey(key));
  Result<std::optional<IndexEntry>> entry = index_.Get(key, at_);
  if (!entry.ok()) return entry.status();
  if (!entry->has_value()) return NoSuchKey();
  return **std::move(entry);
}

Result<Value> Reader::Get(std::string_view key) {
  ValueCache::Ticket ticket;
  Value value;
  const auto take = [&](ConstBytes bytes, Version written_by) {
    value = {std::string(AsStringView(bytes)), written_by};
  };
  if (values_ != nullptr && values_->Find(key, &ticket, take)) return value;
  RAWKV_ASSIGN_OR_RETURN(IndexEntry entry, Find(key));
  value.written_by = entry.written_by;
  if (entry.value.is_inline()) {
    value.bytes = std::get<std::string>(std::move(entry.value.data));
  } else {
    Result<std::string> bytes = ReadStoredValue(payload_, entry.value);
    if (!bytes.ok()) return bytes.status().WithContext(KeyForMessage(key));
    value.bytes = *std::move(bytes);
  }
  if (values_ != nullptr) values_->Insert(key, ticket, AsBytes(value.bytes), value.written_by);
  return value;
}

Result<uint64_t> Reader::GetInto(std::string_view key, Bytes out) {
  ValueCache::Ticket ticket;
  uint64_t length = 0;
  const auto take = [&](ConstBytes bytes, Version) {
    length = bytes.size();
    if (!bytes.empty() && length <= out.size()) std::memcpy(out.data(), bytes.data(), length);
  };
  if (values_ != nullptr && values_->Find(key, &ticket, take)) {
    if (length > out.size()) return TooSmall(length, out);
    return length;
  }
  RAWKV_ASSIGN_OR_RETURN(const IndexEntry entry, Find(key));
  length = entry.value.length();
  if (length > out.size()) return TooSmall(length, out);
  if (entry.value.is_inline()) {
    CopyInline(entry.value, out);
  } else {
    const PayloadRef& ref = std::get<PayloadRef>(entry.value.data);
    RAWKV_RETURN_IF_ERROR(
        payload_.Read({.ref = &ref, .offset = 0, .length = length, .out = out, .status = {}})
            .WithContext(KeyForMessage(key)));
  }
  if (values_ != nullptr) values_->Insert(key, ticket, out.first(length), entry.written_by);
  return length;
}

Result<uint64_t> Reader::GetRange(std::string_view key, uint64_t offset, Bytes out) {
  RAWKV_ASSIGN_OR_RETURN(const IndexEntry entry, Find(key));
  const uint64_t length = entry.value.length();
  if (offset >= length || out.empty()) return uint64_t{0};
  const uint64_t n = std::min<uint64_t>(out.size(), length - offset);
  if (entry.value.is_inline()) {
    std::memcpy(out.data(), std::get<std::string>(entry.value.data).data() + offset, n);
    return n;
  }
  const PayloadRef& ref = std::get<PayloadRef>(entry.value.data);
  RAWKV_RETURN_IF_ERROR(payload_.Read({.ref = &ref, .offset = offset, .length = n, .out = out, .status = {}})
                            .WithContext(KeyForMessage(key)));
  return n;
}

std::vector<Result<IndexEntry>> Reader::FindMany(std::span<const std::string_view> keys) {
  std::vector<Result<std::optional<IndexEntry>>> entries = index_.MultiGet(keys, at_);
  std::vector<Result<IndexEntry>> found;
  found.reserve(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    Status status = CheckKey(keys[i]);
    if (status.ok()) status = entries[i].status();
    if (status.ok() && !entries[i]->has_value()) status = NoSuchKey();
    if (status.ok()) {
      found.emplace_back(**std::move(entries[i]));
    } else {
      found.emplace_back(std::move(status));
    }
  }
  return found;
}

std::vector<Result<Value>> Reader::MultiGet(std::span<const std::string_view> keys) {
  const std::vector<Result<IndexEntry>> entries = FindMany(keys);
  std::vector<Result<Value>> out;
  out.reserve(keys.size());
  std::vector<PayloadIo::ReadJob> jobs;
  std::vector<size_t> job_of;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (!entries[i].ok()) {
      out.emplace_back(entries[i].status());
      continue;
    }
    const IndexEntry& entry = *entries[i];
    out.emplace_back(Value{entry.value.is_inline() ? std::get<std::string>(entry.value.data)
                                                   : std::string(entry.value.length(), '\0'),
                           entry.written_by});
    if (entry.value.is_inline()) continue;
    const PayloadRef& ref = std::get<PayloadRef>(entry.value.data);
    job_of.push_back(i);
    jobs.push_back({.ref = &ref, .offset = 0, .length = ref.length, .out = {}, .status = {}});
  }
  // `out` does not grow any more, so its strings keep their addresses.
  for (size_t j = 0; j < jobs.size(); ++j) jobs[j].out = AsWritableBytes(out[job_of[j]]->bytes);
  payload_.ReadMany(jobs);
  for (size_t j = 0; j < jobs.size(); ++j) {
    if (!jobs[j].status.ok()) out[job_of[j]] = jobs[j].status.WithContext(KeyForMessage(keys[job_of[j]]));
  }
  return out;
}

std::vector<SessionAnswer> Reader::MultiGetInto(std::span<const SessionRead> reads) {
  if (const Status separate = CheckSeparateMemory(reads); !separate.ok()) {
    return std::vector<SessionAnswer>(reads.size(), {.status = separate, .bytes = 0, .written_by = {}});
  }
  std::vector<std::string_view> keys;
  keys.reserve(reads.size());
  for (const SessionRead& read : reads) keys.push_back(read.key);
  const std::vector<Result<IndexEntry>> entries = FindMany(keys);
  std::vector<SessionAnswer> answers(reads.size());
  std::vector<PayloadIo::ReadJob> jobs;
  std::vector<size_t> job_of;
  for (size_t i = 0; i < reads.size(); ++i) {
    SessionAnswer& answer = answers[i];
    answer.status = entries[i].status();
    if (!answer.status.ok()) continue;
    const IndexEntry& entry = *entries[i];
    const uint64_t length = entry.value.length();
    answer.bytes = length;
    answer.written_by = entry.written_by;
    if (length > reads[i].out.size()) {
      answer.status = TooSmall(length, reads[i].out);
      continue;
    }
    if (entry.value.is_inline()) {
      CopyInline(entry.value, reads[i].out);
    } else {
      job_of.push_back(i);
      jobs.push_back({.ref = &std::get<PayloadRef>(entry.value.data),
                      .offset = 0,
                      .length = length,
                      .out = reads[i].out,
                      .status = {}});
    }
  }
  payload_.ReadMany(jobs);
  for (size_t j = 0; j < jobs.size(); ++j) {
    if (jobs[j].status.ok()) continue;
    answers[job_of[j]] = {
        .status = jobs[j].status.WithContext(KeyForMessage(keys[job_of[j]])), .bytes = 0, .written_by = {}};
  }
  return answers;
}

Result<bool> Reader::Exists(std::string_view key) {
  ValueCache::Ticket none;
  if (values_ != nullptr && values_->Find(key, &none, [](ConstBytes, Version) {})) return true;
  RAWKV_RETURN_IF_ERROR(CheckKey(key));
  RAWKV_ASSIGN_OR_RETURN(const std::optional<IndexEntry> entry, index_.Get(key, at_));
  return entry.has_value();
}

}  // namespace rawkv
