#include <algorithm>
#include <string>

#include "engine/index/allocation_page.h"
#include "engine/index/deferred_record.h"
#include "engine/index/index_entry.h"
#include "engine/index/key_space.h"
#include "engine/index/meta_record.h"
#include "engine/undo/undo_record.h"
#include "tests/fuzz/targets.h"

// RocksDB's blocks hold the checksums, so that every mutation reaches these decoders.
namespace rawkv::fuzz {
namespace {

template <typename Decoded, typename Encode>
Verdict CheckRecord(ConstBytes input, const Result<Decoded>& decoded, Encode encode) {
  return CheckDecoded(decoded, [&](const Decoded& record) {
    RAWKV_CHECK(encode(record) == AsStringView(input), "equal content must have one encoding");
  });
}

}  // namespace

Verdict FuzzIndexEntry(ConstBytes input) {
  return CheckRecord(input, DecodeIndexEntry(input), EncodeIndexEntry);
}

Verdict FuzzMetaRecord(ConstBytes input) {
  return CheckRecord(input, DecodeMetaRecord(input), EncodeMetaRecord);
}

Verdict FuzzUndoRecord(ConstBytes input) {
  return CheckRecord(input, DecodeUndoRecord(input), EncodeUndoRecord);
}

Verdict FuzzAllocationPage(ConstBytes input) {
  const Result<AllocationPage> page = DecodeAllocationPage(input);
  if (page.ok()) {
    for (size_t i = 0; i < page->live.size(); ++i) {
      RAWKV_CHECK((page->live[i] & ~page->taken[i]) == 0, "live slots must be taken slots");
    }
  }
  return CheckRecord(input, page, EncodeAllocationPage);
}

Verdict FuzzDeferredRecord(ConstBytes input) {
  const std::string_view bytes = AsStringView(input);
  if (bytes.empty()) return Verdict::kRefused;
  const size_t key_bytes = std::min<size_t>(static_cast<uint8_t>(bytes[0]), bytes.size() - 1);
  const std::string_view key = bytes.substr(1, key_bytes);
  const std::string_view value = bytes.substr(1 + key_bytes);

  const bool by_version = key.starts_with(static_cast<char>(KeySpace::kDeferredByVersion));
  const Result<DeferredFree> piece =
      by_version ? DecodeDeferredByVersion(key, value) : DecodeDeferredBySlot(key, value);
  if (!piece.ok()) {
    CheckRefusal(piece.status());
    return Verdict::kRefused;
  }
  // The prefix byte is not compared: it chooses the key space before the key is decoded.
  const IndexKey own = by_version ? DeferredByVersionKey(piece->freed, piece->extent.first)
                                  : DeferredBySlotKey(piece->extent.first);
  RAWKV_CHECK(own.view().substr(1) == key.substr(1), "equal content must have one key");
  RAWKV_CHECK((by_version ? EncodeDeferredByVersion(*piece) : EncodeDeferredBySlot(*piece)) == value,
              "equal content must have one encoding");
  const std::vector<DeferredFree> pieces = BlockPieces(*piece);
  RAWKV_CHECK(pieces.size() == 1 && pieces.front() == *piece, "a record must not cross a block");
  return Verdict::kAccepted;
}

}  // namespace rawkv::fuzz
