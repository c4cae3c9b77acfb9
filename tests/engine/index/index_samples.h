#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/index/key_index.h"

// Values and short ways to write and read them, for the tests of this folder.
namespace rawkv {

IndexEntry InlineEntry(uint64_t version, std::string value);
// One extent, checksums that tell their place.
IndexEntry PayloadEntry(uint64_t version, uint64_t first_slot, uint64_t length);
MetaRecord MetaAt(uint64_t version);
DeferredFree Deferred(uint64_t first, uint64_t count, uint64_t born, uint64_t freed);

// An index of its own; fails the test if it cannot be opened.
std::unique_ptr<KeyIndex> MustOpen(const KeyIndexOptions& options);
std::unique_ptr<KeyIndex> CreateIndex(const std::string& dir);
std::unique_ptr<KeyIndex> OpenReadOnly(const std::string& dir);

// One version: `key` = `value`, and the meta record.
void Commit(KeyIndex& index, uint64_t version, std::string_view key, std::string value);
void Flush(KeyIndex& index);
uint64_t AppliedVersion(KeyIndex& index);

// Names in a directory that end in `suffix`, sorted.
std::vector<std::string> FilesIn(const std::string& dir, std::string_view suffix);
std::string FileContent(const std::string& path);
// "kind size mtime" of each file: what would differ if something were written.
std::vector<std::string> Fingerprint(const std::string& dir);

std::string HexOf(std::string_view bytes);
std::string FromHex(std::string_view hex);  // spaces and line ends are passed over

// For each way to damage `encoded` a little (every truncation, a byte too many, every byte changed in
// several ways): `reencode` gives null if the bytes are refused, and what was decoded, encoded again.
// Fails the test where the two differ.
void ExpectStrictDecoding(const std::string& encoded,
                          const std::function<std::unique_ptr<std::string>(const std::string&)>& reencode);

}  // namespace rawkv
