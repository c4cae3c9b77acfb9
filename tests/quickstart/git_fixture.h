#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace rawkv::quickstart {

// Runs git with these arguments in `dir`, as the same committer everywhere and without the machine's
// configuration; its standard output. Aborts the test program if git fails.
std::string RunGit(const std::string& dir, const std::vector<std::string>& arguments,
                   const std::string& input = "");

void WriteFile(const std::string& path, std::string_view bytes);

// Writes a `git fast-import` stream, commit by commit. Paths are any bytes.
class ImportStream {
 public:
  enum class Mode { kFile, kExecutable, kSymlink };

  // Begins the next commit of `branch`, on top of the branch's last one.
  void Commit(const std::string& branch = "main");
  // The commit begun is also a child of this branch's last one.
  void Merge(const std::string& branch);
  void Put(const std::string& path, std::string_view content, Mode mode = Mode::kFile);
  void PutSubmodule(const std::string& path);
  void Delete(const std::string& path);
  void Rename(const std::string& from, const std::string& to);
  // `branch` forks from the newest commit of main.
  void Fork(const std::string& branch);
  uint64_t commits() const { return commits_; }
  const std::string& text() const { return text_; }

 private:
  static std::string Quoted(const std::string& path);
  void Data(std::string_view bytes);

  std::string text_;
  uint64_t commits_ = 0;
};

struct RepositoryShape {
  bool bare = false;
  std::string object_format = "sha1";
};
// A new repository at `dir` with what the stream holds; HEAD is main, nothing is checked out.
void MakeRepository(const std::string& dir, const ImportStream& stream, const RepositoryShape& shape = {});

// A history of at least 400 first-parent commits with everything a replay has to get right: adds,
// changes, deletes, renames, a mode change, empty, binary and multi-megabyte files, symlinks, a file that
// becomes a symlink, a directory and a submodule, merges, a commit that changes nothing, and names with
// spaces, newlines, quotes and bytes that are not UTF-8. The same one every time.
ImportStream EventfulHistory();

// A dozen commits of a few small files.
ImportStream SmallHistory();

}  // namespace rawkv::quickstart
