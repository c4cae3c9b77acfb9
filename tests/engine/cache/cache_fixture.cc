#include "tests/engine/cache/cache_fixture.h"

#include <cstdlib>
#include <filesystem>

#include "engine/admin/inspect.h"

namespace rawkv {
CacheTest::CacheTest() {
  options_.directory = tmp_.File("store");
  options_.device_bytes = 4 << 20;
  options_.slot_bytes = 4096;
  options_.recency_interval_seconds = 0;
  options_.env.logger = &logger_;
  options_.env.clock = &clock_;
}

void CacheTest::TearDown() {
  if (cache_ != nullptr) {
    ExpectUsageOfTheStore();
    Close();
  }
  if (std::filesystem::exists(options_.directory + "/STORE")) ExpectWhole();
  if (HasFailure()) std::printf("%s", logger_.text().c_str());
}

void CacheTest::Open() {
  Result<std::unique_ptr<ObjectCache>> opened = ObjectCache::Open(options_);
  ASSERT_OK(opened);
  cache_ = *std::move(opened);
  Result<std::unique_ptr<ObjectSession>> session = cache_->OpenSession("test");
  ASSERT_OK(session);
  session_ = *std::move(session);
}

void CacheTest::Close() {
  session_.reset();
  if (cache_ != nullptr) EXPECT_OK(cache_->Close());
  cache_.reset();
}

void CacheTest::Reopen() {
  Close();
  Open();
}

void CacheTest::ReopenKilled() {
  const std::string& dir = options_.directory;
  const std::string command = "rm -rf '" + dir + ".k' && cp -a --sparse=always '" + dir + "' '" + dir + ".k'";
  int copied = 1;  // a compaction may remove a table meanwhile
  for (int attempt = 0; copied != 0 && attempt < 10; ++attempt) copied = std::system(command.c_str());
  ASSERT_EQ(copied, 0);
  Close();
  std::filesystem::remove_all(dir);
  std::filesystem::rename(dir + ".k", dir);
  Open();
}

void CacheTest::ExpectWhole() {
  OpenOptions open;
  open.env = options_.env;
  ASSERT_OK_AND_ASSIGN(const CheckReport report, CheckStore(options_.directory, {.deep = true}, open));
  for (const Finding& f : report.findings) ADD_FAILURE() << f.kind << " " << f.where << ": " << f.message;
}

std::map<std::string, uint64_t> CacheTest::Stored() {
  std::map<std::string, uint64_t> out;
  std::string after;
  for (;;) {
    const Result<std::vector<ObjectRow>> rows = cache_->Scan("", after, 100);
    EXPECT_OK(rows);
    if (!rows.ok() || rows->empty()) return out;
    for (const ObjectRow& row : *rows) out[row.key] = row.bytes;
    after = rows->back().key;
  }
}

void CacheTest::ExpectUsageOfTheStore() {
  ASSERT_OK(cache_->Evict(0));  // what is being removed is gone then
  ObjectUsage usage;
  for (const auto& [key, bytes] : Stored()) {
    ++usage.objects;
    usage.bytes += bytes;
  }
  EXPECT_EQ(cache_->Usage().objects, usage.objects);
  EXPECT_EQ(cache_->Usage().bytes, usage.bytes);
}

ObjectCompletion CacheTest::Run(const Result<uint64_t>& id) {
  return Run(id, *session_);
}

ObjectCompletion CacheTest::Run(const Result<uint64_t>& id, ObjectSession& session) {
  ObjectCompletion done;
  if (!IsOk(id)) {
    ADD_FAILURE() << id.status().ToString();
    return done;
  }
  while (session.Drain(std::span(&done, 1)) == 0) {
    if (session.Wait(60'000)) continue;
    ADD_FAILURE() << "operation " << *id << " does not complete";
    return done;
  }
  EXPECT_EQ(done.id, *id);
  return done;
}

ObjectCompletion CacheTest::PutAll(const std::vector<std::pair<std::string, std::string>>& objects,
                                   std::optional<uint64_t> ttl) {
  std::vector<ObjectPut> puts;
  for (const auto& [key, value] : objects) puts.push_back({key, AsBytes(value), ttl});
  return Run(session_->SubmitPut(puts));
}

ObjectAnswer CacheTest::Put(const std::string& key, const std::string& value, std::optional<uint64_t> ttl) {
  ObjectCompletion done = PutAll({{key, value}}, ttl);
  return done.answers.empty() ? ObjectAnswer() : done.answers[0];
}

std::string CacheTest::Get(const std::string& key) {
  std::string out(1 << 20, '\0');
  const SessionRead read{.key = key, .out = std::as_writable_bytes(std::span(out))};
  const ObjectCompletion done = Run(session_->SubmitGet(std::span(&read, 1)));
  if (done.answers.empty()) return "";
  EXPECT_NE(done.answers[0].verdict, ObjectVerdict::kFailed) << done.answers[0].status.ToString();
  return out.substr(0, done.answers[0].bytes);
}

bool CacheTest::Has(const std::string& key) {
  const std::string_view one = key;
  return Run(session_->SubmitExists(std::span(&one, 1))).hit_prefix() == 1;
}

ObjectAnswer CacheTest::Delete(const std::string& key) {
  const std::string_view one = key;
  const ObjectCompletion done = Run(session_->SubmitDelete(std::span(&one, 1)));
  return done.answers.empty() ? ObjectAnswer() : done.answers[0];
}

}  // namespace rawkv
