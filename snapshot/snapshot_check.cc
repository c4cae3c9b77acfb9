#include <set>

#include "base/bytes.h"
#include "base/fs_ops.h"
#include "base/sha256.h"
#include "snapshot/snapshot_files.h"
#include "snapshot/snapshot_store.h"

// Checks of a published snapshot: a cheap one at every open, and a full one on demand.
namespace rawkv {
namespace {

std::string DigestText(const std::optional<Sha256Digest>& digest) {
  return digest.has_value() ? ToHex(*digest) : "none";
}

Status CheckChain(const Manifest& manifest, const LineageChain& chain) {
  if (chain.Contains(manifest.lineage, manifest.version)) return {};
  return Status::Corruption("its version " + ToString(manifest.version) + " of lineage " +
                            ToHex(manifest.lineage.value()) + " is not on the store's lineage chain");
}

void CompareFacts(const Manifest& manifest, const SnapshotFacts& facts, std::vector<std::string>& errors) {
  if (facts.version != manifest.version) {
    errors.push_back("the index contains version " + ToString(facts.version) + ", but MANIFEST has " +
                     ToString(manifest.version));
  }
  if (facts.lineage != manifest.lineage) {
    errors.push_back("the index has lineage " + ToHex(facts.lineage.value()) + ", but MANIFEST has " +
                     ToHex(manifest.lineage.value()));
  }
  if (facts.digest != manifest.digest) {
    errors.push_back("the index has digest " + DigestText(facts.digest) + ", but MANIFEST has " +
                     DigestText(manifest.digest));
  }
}

}  // namespace

Status SnapshotStore::CheckListed(const Manifest& manifest) const {
  const std::string dir = PathOf(manifest.version);
  RAWKV_ASSIGN_OR_RETURN(const std::vector<FileProblem> problems, CheckListedFiles(fs_, dir, manifest.files));
  if (problems.empty()) return {};
  const std::string more =
      problems.size() == 1 ? "" : " (and " + std::to_string(problems.size() - 1) + " more)";
  return Status::Corruption(dir + ": " + problems.front().message + more);
}

Status SnapshotStore::CheckFiles(Version version, const LineageChain& chain) const {
  RAWKV_ASSIGN_OR_RETURN(const Manifest manifest, ReadManifest(version));
  RAWKV_RETURN_IF_ERROR(CheckChain(manifest, chain).WithContext(PathOf(version)));
  return CheckListed(manifest);
}

Result<std::vector<std::string>> SnapshotStore::Verify(Version version, const LineageChain& chain,
                                                       const FileChecksummer& checksummer,
                                                       const SnapshotCallbacks& callbacks) const {
  const std::string dir = PathOf(version);
  const Result<Manifest> manifest = ReadManifest(version);
  if (!manifest.ok()) {
    if (manifest.status().code() == StatusCode::kNotFound || manifest.status().refused()) {
      return manifest.status();
    }
    return std::vector<std::string>{manifest.status().message()};
  }

  std::vector<std::string> errors;
  std::set<std::string> unreadable;
  RAWKV_ASSIGN_OR_RETURN(const std::vector<FileProblem> problems,
                         CheckListedFiles(fs_, dir, manifest->files));
  for (const FileProblem& problem : problems) {
    errors.push_back(problem.message);
    unreadable.insert(problem.path);
  }
  if (const Status status = CheckChain(*manifest, chain); !status.ok()) errors.push_back(status.message());
  // The index would read unlisted files, which have no checksum.
  RAWKV_ASSIGN_OR_RETURN(const std::vector<std::string> unlisted,
                         FindUnlistedEntries(fs_, dir, manifest->files));
  for (const std::string& path : unlisted) errors.push_back(path + " is not in MANIFEST");

  for (const ManifestFile& file : manifest->files) {
    if (unreadable.contains(file.path)) continue;
    const Result<std::string> checksum = checksummer(JoinPath(dir, file.path), file.checksum_kind);
    if (checksum.status().refused()) return checksum.status();
    if (!checksum.ok()) {
      errors.push_back(file.path + ": " + checksum.status().message());
    } else if (*checksum != file.checksum) {
      errors.push_back(file.path + " has checksum " + ToHex(AsBytes(*checksum)) + ", expected " +
                       ToHex(AsBytes(file.checksum)));
    }
  }
  // Does not open an index that is known to be damaged.
  if (!errors.empty()) return errors;

  const Result<SnapshotFacts> facts = callbacks.inspect(IndexPathOf(version));
  if (facts.status().refused()) return facts.status();
  if (!facts.ok()) {
    errors.push_back("the index cannot be opened: " + facts.status().message());
  } else {
    CompareFacts(*manifest, *facts, errors);
  }
  return errors;
}

}  // namespace rawkv
