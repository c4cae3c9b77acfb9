#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/index/key_index.h"

// Sample values and functions to write and read them, for the tests of this folder.
namespace rawkv {

IndexEntry InlineEntry(uint64_t version, std::string value);
// An entry with one extent, and with checksums that depend on their position.
IndexEntry PayloadEntry(uint64_t version, uint64_t first_slot, uint64_t length);
MetaRecord MetaAt(uint64_t version);
DeferredFree Deferred(uint64_t first, uint64_t count, uint64_t born, uint64_t freed);

// Opens an index. Fails the test and returns null if the index cannot be opened.
std::unique_ptr<KeyIndex> OpenOrFail(const KeyIndexOptions& options);
std::unique_ptr<KeyIndex> CreateIndex(const std::string& dir);
std::unique_ptr<KeyIndex> OpenReadOnly(const std::string& dir);

// Applies one version: `key` = `value` and the meta record.
void Commit(KeyIndex& index, uint64_t version, std::string_view key, std::string value);
void Flush(KeyIndex& index);
uint64_t AppliedVersion(KeyIndex& index);

// The sorted names in a directory that end in `suffix`.
std::vector<std::string> FilesIn(const std::string& dir, std::string_view suffix);
std::string FileContent(const std::string& path);
// "path size inode mtime" of the directory and each file: a write changes it.
std::vector<std::string> Fingerprint(const std::string& dir);

std::string HexOf(std::string_view bytes);
std::string FromHex(std::string_view hex);  // ignores spaces and line ends

// Damages `encoded` in many small ways: every truncation, an extra byte, and several changes of every byte.
// `reencode` must return null if it refuses the bytes, and otherwise the decoded object encoded again. Fails
// the test if that differs from the damaged bytes.
void ExpectStrictDecoding(const std::string& encoded,
                          const std::function<std::unique_ptr<std::string>(const std::string&)>& reencode);

}  // namespace rawkv
