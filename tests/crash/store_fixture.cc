#include "tests/crash/store_fixture.h"
#include "engine/admin/inspect.h"

#include <filesystem>

namespace rawkv {

std::string StoreFixture::NewStore(const std::string& name, FormatOptions format) {
  if (format.capacity_bytes == FormatOptions().capacity_bytes) format.capacity_bytes = 8 << 20;
  const std::string dir = scratch_.File(name);
  const Result<FormatResult> made = Engine::Format(dir, format);
  EXPECT_OK(made);
  return dir;
}

std::string StoreFixture::CopyOf(const std::string& store, const std::string& name) {
  const std::string to = scratch_.File(name);
  std::filesystem::remove_all(to);
  std::filesystem::copy(
      store, to, std::filesystem::copy_options::recursive | std::filesystem::copy_options::copy_symlinks);
  return to;
}

OpenOptions StoreFixture::Quiet(Fs& fs) {
  OpenOptions options;
  options.settings.snapshot_interval = 0;
  options.env.logger = &NullLogger();
  options.env.fs = &fs;
  options.status_interval_ms = 0;  // so that the operations come in one order
  return options;
}

std::unique_ptr<Engine> StoreFixture::Open(const std::string& dir, const OpenOptions& options) {
  Result<std::unique_ptr<Engine>> engine = Engine::Open(dir, options);
  EXPECT_OK(engine);
  return engine.ok() ? *std::move(engine) : nullptr;
}

Version StoreFixture::Put(Engine& engine, const std::string& key, const std::string& value) {
  WriteBatch batch;
  batch.Put(key, value);
  const CommitResult result = engine.Commit(batch);
  EXPECT_TRUE(result.ok()) << result.status.ToString();
  return result.version;
}

std::map<std::string, std::string> StoreFixture::Content(Engine& engine, std::optional<Version> version) {
  std::map<std::string, std::string> out;
  const Result<std::shared_ptr<const ReadView>> view = engine.OpenView(version);
  EXPECT_OK(view);
  if (!view.ok()) return out;
  const Result<std::unique_ptr<Iterator>> it = engine.NewIterator({.view = *view});
  EXPECT_OK(it);
  for ((*it)->SeekToFirst(); (*it)->Valid(); (*it)->Next()) {
    Result<std::string> value = (*it)->ReadValue();
    EXPECT_OK(value);
    if (value.ok()) out[std::string((*it)->key())] = *std::move(value);
  }
  EXPECT_TRUE((*it)->status().ok()) << (*it)->status().ToString();
  return out;
}

void StoreFixture::ExpectWhole(const std::string& dir) {
  ASSERT_OK_AND_ASSIGN(const CheckReport report, CheckStore(dir, {.deep = true}, Quiet()));
  for (const Finding& f : report.findings)
    ADD_FAILURE() << "fsck: " << f.kind << " " << f.where << ": " << f.message;
}

}  // namespace rawkv
