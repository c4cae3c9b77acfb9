#include "tools/quickstart_tree_history.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/unique_fd.h"

namespace rawkv::quickstart {
namespace {

// Enough for a history, few enough to have several files each.
constexpr uint64_t kStepsMax = 200;

Status Unreadable(const std::string& path) {
  return Status::FromErrno(errno, "cannot read " + path);
}

Result<std::string> ReadLinkTarget(const std::string& path) {
  std::string out(PATH_MAX, '\0');
  const ssize_t n = readlink(path.c_str(), out.data(), out.size());
  if (n < 0) return Unreadable(path);
  out.resize(static_cast<size_t>(n));
  return out;
}

// What the judge compares with: the file as it is now, its size taken from the reading itself.
Result<std::string> ReadPath(const std::string& path) {
  struct stat status;
  if (lstat(path.c_str(), &status) != 0) return Unreadable(path);
  if (S_ISLNK(status.st_mode)) return ReadLinkTarget(path);
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd.valid()) return Unreadable(path);
  std::string out(static_cast<size_t>(status.st_size) + 1, '\0');
  for (size_t done = 0;;) {
    const ssize_t n = read(fd.get(), out.data() + done, out.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Unreadable(path);
    done += static_cast<size_t>(n);
    if (n == 0) {
      out.resize(done);
      return out;
    }
    if (done == out.size()) out.resize(out.size() * 2);
  }
}

class FileReader : public ContentReader {
 public:
  explicit FileReader(std::string dir) : dir_(std::move(dir)) {}
  Status Read(std::span<const ContentRequest> requests) override {
    for (const ContentRequest& request : requests) {
      RAWKV_ASSIGN_OR_RETURN(const std::string bytes, ReadWhole(request.content));
      if (bytes.size() != request.out.size()) {
        return Status::IoError(dir_ + "/" + request.content +
                               " changed while it was being replayed; run it again");
      }
      if (!bytes.empty()) std::memcpy(request.out.data(), bytes.data(), bytes.size());
    }
    return Status::Ok();
  }
  Result<std::string> ReadWhole(const std::string& content) override {
    return ReadPath(dir_ + "/" + content);
  }

 private:
  std::string dir_;
};

bool IsLeftOutDirectory(const std::filesystem::path& path) {
  std::error_code ignored;
  return path.filename() == ".git" || std::filesystem::exists(path / "CMakeCache.txt", ignored);
}

}  // namespace

Result<std::unique_ptr<History>> TreeHistory::Load(const std::string& dir, const std::string& why,
                                                   const HistoryLimits& limits) {
  std::error_code error;
  const std::filesystem::path whole = std::filesystem::canonical(dir, error);
  if (error) return Status::NotFound(dir + ": " + error.message());
  auto history = std::unique_ptr<TreeHistory>(new TreeHistory(whole.string(), why));
  RAWKV_RETURN_IF_ERROR(history->Collect(limits));
  if (history->files_.empty()) return Status::NotFound(whole.string() + " holds no files to replay");
  history->MakeSteps(limits.steps);
  return std::unique_ptr<History>(std::move(history));
}

Status TreeHistory::Collect(const HistoryLimits& limits) {
  namespace fs = std::filesystem;
  std::error_code error;
  fs::recursive_directory_iterator at(dir_, fs::directory_options::skip_permission_denied, error);
  for (; !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
    const std::string path = at->path().string();
    struct stat status;
    if (lstat(path.c_str(), &status) != 0) continue;  // gone since it was listed
    if (S_ISDIR(status.st_mode)) {
      if (IsLeftOutDirectory(at->path())) at.disable_recursion_pending();
      continue;
    }
    const bool is_content =
        S_ISLNK(status.st_mode) || (S_ISREG(status.st_mode) && access(path.c_str(), R_OK) == 0 &&
                                    static_cast<uint64_t>(status.st_size) <= limits.value_bytes);
    const std::string key = path.substr(dir_ == "/" ? 1 : dir_.size() + 1);
    if (!is_content || key.size() > limits.key_bytes) {
      ++left_out_;
      continue;
    }
    files_.push_back({.key = key, .content = key, .bytes = static_cast<uint64_t>(status.st_size)});
  }
  if (error) return Status::IoError("cannot list " + dir_ + ": " + error.message());
  std::sort(files_.begin(), files_.end(), [](const Change& a, const Change& b) { return a.key < b.key; });
  if (left_out_ > 0)
    notes_.push_back(fmt::format("special, unreadable or too large files left out: {}", left_out_));
  return Status::Ok();
}

void TreeHistory::MakeSteps(uint64_t steps_max) {
  const uint64_t limit = steps_max == 0 ? kStepsMax : std::min(steps_max, kStepsMax);
  const uint64_t count = std::min<uint64_t>(files_.size(), limit);
  for (uint64_t number = 1, begin = 0; number <= count; ++number) {
    const uint64_t end = files_.size() * number / count;
    Step step{.name = fmt::format("files {} to {}", begin + 1, end), .changes = {}};
    step.changes.assign(files_.begin() + static_cast<ptrdiff_t>(begin),
                        files_.begin() + static_cast<ptrdiff_t>(end));
    steps_.push_back(std::move(step));
    files_through_step_.push_back(end);
    begin = end;
  }
}

std::string TreeHistory::Origin() const {
  return fmt::format("{} files of {} in {} step{} (not a git history: {})", files_.size(), dir_, size(),
                     size() == 1 ? "" : "s", why_);
}

Result<std::unique_ptr<ContentReader>> TreeHistory::OpenContent() const {
  return std::unique_ptr<ContentReader>(std::make_unique<FileReader>(dir_));
}

Result<std::vector<Expected>> TreeHistory::ListingAt(uint64_t number) const {
  std::vector<Expected> out;
  const uint64_t count = number == 0 ? 0 : files_through_step_.at(number - 1);
  for (uint64_t i = 0; i < count; ++i) out.push_back({.key = files_[i].key, .content = files_[i].content});
  return out;
}

Result<bool> TreeHistory::Matches(const Expected& expected, ConstBytes value) const {
  RAWKV_ASSIGN_OR_RETURN(const std::string bytes, ReadPath(dir_ + "/" + expected.content));
  return bytes == AsStringView(value);
}

}  // namespace rawkv::quickstart
