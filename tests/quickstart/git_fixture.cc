#include "tests/quickstart/git_fixture.h"

#include <cstdio>
#include <fstream>
#include <random>

#include "base/check.h"
#include "tools/quickstart_process.h"

namespace rawkv::quickstart {
namespace {

// Any commit of another repository will do: submodules are never looked into.
constexpr const char* kForeignCommit = "1111111111111111111111111111111111111111";

std::string RandomBytes(std::mt19937_64& random, size_t bytes) {
  std::string out(bytes, '\0');
  for (char& c : out) c = static_cast<char>(random());
  return out;
}

// Files that come, change, move and go at random, under names of every kind.
class Churn {
 public:
  explicit Churn(ImportStream& stream) : stream_(stream) {}

  void Commit() {
    stream_.Commit();
    for (uint64_t n = 1 + random_() % 5; n > 0; --n) {
      const uint64_t what = random_() % 10;
      if (what < 4 || files_.size() < 5) {
        Add();
      } else if (what < 7) {
        Change();
      } else if (what < 8) {
        Rename();
      } else {
        Delete();
      }
    }
  }

 private:
  std::string NewName() {
    static const std::vector<std::string> kStems = {
        "plain",       "with space",   "new\nline", "tab\there",   "\"quoted\"",
        "back\\slash", "\xff\xfe\x80", "ünïcode",   "-rf",         ":colon",
        "*",           " leading",     "trailing ", "100644 blob", "\x01\x7f control",
        "ä/ö/ü",       "a b/c\nd/e"};
    const std::string dir = "churn/" + std::to_string(random_() % 8) + "/";
    return dir + kStems[random_() % kStems.size()] + "." + std::to_string(next_++);
  }
  std::string NewContent() {
    switch (random_() % 8) {
      case 0:
        return "";
      case 1:
        return RandomBytes(random_, 1023 + random_() % 3);  // around the default inline limit
      case 2:
        return RandomBytes(random_, 4095 + random_() % 3);  // around a slot
      case 3:
        return RandomBytes(random_, random_() % 40000);
      default:
        return "text " + std::to_string(random_()) + "\r\nmore\n";
    }
  }
  std::map<std::string, bool>::iterator Any() {
    return std::next(files_.begin(), static_cast<ptrdiff_t>(random_() % files_.size()));
  }
  void Add() {
    const std::string name = NewName();
    stream_.Put(name, NewContent());
    files_.emplace(name, true);
  }
  void Change() { stream_.Put(Any()->first, NewContent()); }
  void Rename() {
    const auto from = Any();
    const std::string to = NewName();
    stream_.Rename(from->first, to);
    files_.erase(from);
    files_.emplace(to, true);
  }
  void Delete() {
    const auto gone = Any();
    stream_.Delete(gone->first);
    files_.erase(gone);
  }

  ImportStream& stream_;
  std::mt19937_64 random_{20230401};
  std::map<std::string, bool> files_;
  uint64_t next_ = 0;
};

void AddKindChanges(ImportStream& stream, const std::string& large) {
  using Mode = ImportStream::Mode;
  stream.Commit();
  stream.Put("kinds/script", "#!/bin/sh\n");
  stream.Put("kinds/link", "../elsewhere/\xff not there", Mode::kSymlink);
  stream.Put("kinds/file then directory", "a file");
  stream.Put("kinds/file then link", "a file, too");
  stream.PutSubmodule("kinds/module");
  stream.Put("large/one", large);
  stream.Commit();
  stream.Put("kinds/script", "#!/bin/sh\n", Mode::kExecutable);
  stream.Commit();
  stream.Put("kinds/file then link", "script", Mode::kSymlink);
  stream.Delete("kinds/file then directory");
  stream.Put("kinds/file then directory/inside", "now a directory");
  stream.Commit();
  stream.Put("kinds/module", "a submodule that became a file");
  stream.PutSubmodule("kinds/link");
  stream.Put("large/two", large.substr(0, large.size() / 2) + "changed" + large.substr(large.size() / 2));
  stream.Commit();  // changes nothing
}

}  // namespace

std::string RunGit(const std::string& dir, const std::vector<std::string>& arguments,
                   const std::string& input) {
  Command command;
  command.argv = {"git", "-C", dir};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  const char* path = getenv("PATH");
  command.env = {std::string("PATH=") + (path != nullptr ? path : "/usr/bin:/bin"),
                 "HOME=/nonexistent",
                 "GIT_CONFIG_NOSYSTEM=1",
                 "GIT_AUTHOR_NAME=A",
                 "GIT_AUTHOR_EMAIL=a@example.org",
                 "GIT_COMMITTER_NAME=A",
                 "GIT_COMMITTER_EMAIL=a@example.org"};
  command.input = input;
  auto output = Capture(command);
  RAWKV_CHECK(output.ok(), output.status().message().c_str());
  return *std::move(output);
}

void WriteFile(const std::string& path, std::string_view bytes) {
  std::ofstream out(path, std::ios::binary);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  out.close();
  RAWKV_CHECK(!out.fail(), path.c_str());
}

std::string ImportStream::Quoted(const std::string& path) {
  std::string out = "\"";
  for (const char c : path) {
    char octal[5];
    std::snprintf(octal, sizeof(octal), "\\%03o", static_cast<unsigned>(static_cast<unsigned char>(c)));
    out += octal;
  }
  return out + "\"";
}

void ImportStream::Data(std::string_view bytes) {
  text_ += "data " + std::to_string(bytes.size()) + "\n";
  text_.append(bytes);
  text_ += "\n";
}

void ImportStream::Commit(const std::string& branch) {
  ++commits_;
  text_ += "commit refs/heads/" + branch + "\n";
  text_ += "committer A <a@example.org> " + std::to_string(1700000000 + commits_) + " +0000\n";
  Data("commit " + std::to_string(commits_));
}

void ImportStream::Merge(const std::string& branch) {
  text_ += "merge refs/heads/" + branch + "\n";
}

void ImportStream::Put(const std::string& path, std::string_view content, Mode mode) {
  const char* number = mode == Mode::kFile ? "100644" : mode == Mode::kExecutable ? "100755" : "120000";
  text_ += std::string("M ") + number + " inline " + Quoted(path) + "\n";
  Data(content);
}

void ImportStream::PutSubmodule(const std::string& path) {
  text_ += std::string("M 160000 ") + kForeignCommit + " " + Quoted(path) + "\n";
}

void ImportStream::Delete(const std::string& path) {
  text_ += "D " + Quoted(path) + "\n";
}

void ImportStream::Rename(const std::string& from, const std::string& to) {
  text_ += "R " + Quoted(from) + " " + Quoted(to) + "\n";
}

void ImportStream::Fork(const std::string& branch) {
  text_ += "reset refs/heads/" + branch + "\nfrom refs/heads/main\n\n";
}

void MakeRepository(const std::string& dir, const ImportStream& stream, const RepositoryShape& shape) {
  std::vector<std::string> init = {"init", "--quiet", "--initial-branch=main",
                                   "--object-format=" + shape.object_format};
  if (shape.bare) init.emplace_back("--bare");
  init.push_back(dir);
  RunGit("/", init);
  RunGit(dir, {"fast-import", "--quiet"}, stream.text());
}

ImportStream EventfulHistory() {
  ImportStream stream;
  std::mt19937_64 random(7);
  Churn churn(stream);
  const std::string large = RandomBytes(random, (3u << 20) + 17);
  for (int i = 0; i < 60; ++i) churn.Commit();
  AddKindChanges(stream, large);
  for (int round = 0; round < 6; ++round) {
    const std::string branch = "side-" + std::to_string(round);
    stream.Fork(branch);
    stream.Commit(branch);
    stream.Put("side/" + branch, "only by way of a merge");
    for (int i = 0; i < 50; ++i) churn.Commit();
    stream.Commit();
    stream.Merge(branch);
    stream.Put("side/" + branch, "as merged");
    stream.Put("large/" + std::to_string(round % 2), RandomBytes(random, (2u << 20) + round));
  }
  for (int i = 0; i < 60; ++i) churn.Commit();
  stream.Commit();
  stream.Delete("large/one");
  return stream;
}

ImportStream SmallHistory() {
  ImportStream stream;
  for (int i = 0; i < 12; ++i) {
    stream.Commit();
    stream.Put("file " + std::to_string(i), "content " + std::to_string(i));
    stream.Put("log", std::string(static_cast<size_t>(i) * 1000, 'x'));
    if (i > 6) stream.Delete("file " + std::to_string(i - 6));
  }
  return stream;
}

}  // namespace rawkv::quickstart
