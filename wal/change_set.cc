#include "wal/change_set.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <span>
#include <utility>

#include "base/check.h"
#include "wal/changelog.pb.h"

namespace rawkv {
namespace {

using google::protobuf::io::CodedInputStream;
using google::protobuf::io::CodedOutputStream;

// The two kinds of fields that the messages have. A tag is the field's number and one of these kinds.
constexpr uint32_t kNumber = 0;  // a varint
constexpr uint32_t kBytes = 2;   // a length, then as many bytes
constexpr uint32_t Tag(int field, uint32_t kind) {
  return static_cast<uint32_t>(field) << 3 | kind;
}
constexpr uint32_t kOpsTag = Tag(wal::ChangeSet::kOpsFieldNumber, kBytes);
constexpr uint32_t kUserMetadataTag = Tag(wal::ChangeSet::kUserMetadataFieldNumber, kBytes);
constexpr uint32_t kDigestTag = Tag(wal::ChangeSet::kDigestFieldNumber, kBytes);
constexpr std::array kOpTags = {
    Tag(wal::Op::kKindFieldNumber, kNumber),   Tag(wal::Op::kKeyFieldNumber, kBytes),
    Tag(wal::Op::kEndKeyFieldNumber, kBytes),  Tag(wal::Op::kInlineValueFieldNumber, kBytes),
    Tag(wal::Op::kPayloadFieldNumber, kBytes), Tag(wal::Op::kSha256FieldNumber, kBytes)};
constexpr std::array kPayloadTags = {
    Tag(wal::Payload::kExtentsFieldNumber, kBytes), Tag(wal::Payload::kWriteIdFieldNumber, kNumber),
    Tag(wal::Payload::kLengthFieldNumber, kNumber), Tag(wal::Payload::kChunkChecksumsFieldNumber, kBytes)};

CodedInputStream ReaderOf(std::string_view bytes) {
  return CodedInputStream(reinterpret_cast<const uint8_t*>(bytes.data()), static_cast<int>(bytes.size()));
}

// The rules of what may be written, checked in both directions; each returns what is wrong, or null.

const char* PayloadFault(const PayloadRef& payload) {
  if (const char* fault = FindPayloadFault(payload)) return fault;
  std::vector<Extent> sorted = payload.extents;
  std::sort(sorted.begin(), sorted.end(), [](const Extent& a, const Extent& b) { return a.first < b.first; });
  for (size_t i = 1; i < sorted.size(); ++i) {
    if (sorted[i - 1].Overlaps(sorted[i])) return "extents of one payload overlap";
  }
  // Extents that do not overlap have fewer than 2^64 slots together.
  if (TotalSlots(sorted) < (payload.length + kMaxSlotBytes - 1) / kMaxSlotBytes) {
    return "extents too small for the payload";
  }
  return nullptr;
}

const char* ValueFault(const StoredValue& value) {
  if (const auto* payload = std::get_if<PayloadRef>(&value.data)) return PayloadFault(*payload);
  return value.length() > kMaxValueBytes ? "value too long" : nullptr;
}

const char* OpFault(const ChangeOp& op) {
  const bool range = op.kind == ChangeOp::Kind::kDeleteRange;
  if (op.key.size() > kMaxKeyBytes || op.end_key.size() > kMaxKeyBytes) return "key too long";
  // A range may begin at the first key there could be; everything else names one.
  if (op.key.empty() && !range) return "key empty";
  if (!range && !op.end_key.empty()) return "end of a range without a range";
  if (range && !op.end_key.empty() && op.end_key < op.key) return "range ends before it begins";
  return op.kind == ChangeOp::Kind::kPut ? ValueFault(op.value) : nullptr;
}

wal::OpKind ToProto(ChangeOp::Kind kind) {
  switch (kind) {
    case ChangeOp::Kind::kPut:
      return wal::OP_KIND_PUT;
    case ChangeOp::Kind::kDelete:
      return wal::OP_KIND_DELETE;
    case ChangeOp::Kind::kDeleteRange:
      return wal::OP_KIND_DELETE_RANGE;
  }
  return wal::OP_KIND_UNSPECIFIED;
}

void EncodeValue(const StoredValue& value, wal::Op* out) {
  if (value.sha256) out->set_sha256(std::string(AsStringView(*value.sha256)));
  if (value.is_inline()) {
    out->set_inline_value(std::get<std::string>(value.data));
    return;
  }
  const PayloadRef& ref = std::get<PayloadRef>(value.data);
  wal::Payload payload;
  for (const Extent& extent : ref.extents) {
    payload.add_extents(extent.first.value());
    payload.add_extents(extent.count.value());
  }
  payload.set_write_id(ref.write_id.value());
  payload.set_length(ref.length);
  payload.mutable_chunk_checksums()->Add(ref.chunk_checksums.begin(), ref.chunk_checksums.end());
  out->set_payload(payload.SerializeAsString());
}

void EncodeOp(const ChangeOp& op, wal::Op* out) {
  const char* fault = OpFault(op);
  RAWKV_CHECK(fault == nullptr, fault);
  out->Clear();
  out->set_kind(ToProto(op.kind));
  out->set_key(op.key);
  out->set_end_key(op.end_key);
  if (op.kind == ChangeOp::Kind::kPut) EncodeValue(op.value, out);
}

void WriteBytes(uint32_t tag, std::string_view bytes, CodedOutputStream* out) {
  out->WriteTag(tag);
  out->WriteVarint32(static_cast<uint32_t>(bytes.size()));
  out->WriteRaw(bytes.data(), static_cast<int>(bytes.size()));
}

// Returns what is wrong, or null.
const char* DecodeDigest(std::string_view bytes, std::optional<Sha256Digest>* out) {
  Sha256Digest digest;
  if (bytes.size() != digest.size()) return "digest of a wrong length";
  const ConstBytes raw = AsBytes(bytes);
  std::copy(raw.begin(), raw.end(), digest.begin());
  *out = digest;
  return nullptr;
}

// True if the message consists of whole fields with these tags. Protobuf would keep a field that it does not
// know, in many times the memory of its bytes.
bool HasOnly(std::span<const uint32_t> tags, std::string_view message) {
  CodedInputStream in = ReaderOf(message);
  while (const uint32_t tag = in.ReadTag()) {
    if (std::find(tags.begin(), tags.end(), tag) == tags.end()) return false;
    uint64_t number = 0;
    if (!in.ReadVarint64(&number)) return false;
    if (tag % 8 == kNumber) continue;
    if (number > message.size() || !in.Skip(static_cast<int>(number))) return false;
  }
  return in.ConsumedEntireMessage();
}

const char* DecodePayload(const std::string& bytes, PayloadRef* out) {
  wal::Payload payload;
  if (!HasOnly(kPayloadTags, bytes) || !payload.ParseFromString(bytes)) return "payload malformed";
  if (payload.extents_size() % 2 != 0) return "extent without a count";
  out->write_id = WriteId(payload.write_id());
  out->length = payload.length();
  out->chunk_checksums.assign(payload.chunk_checksums().begin(), payload.chunk_checksums().end());
  out->extents.reserve(static_cast<size_t>(payload.extents_size() / 2));
  for (int i = 0; i < payload.extents_size(); i += 2) {
    out->extents.push_back({.first = SlotId(payload.extents(i)), .count = SlotCount(payload.extents(i + 1))});
  }
  return nullptr;
}

const char* DecodeValue(wal::Op* in, StoredValue* out) {
  if (in->value_case() == wal::Op::VALUE_NOT_SET) return "put without a value";
  if (in->has_sha256()) {
    if (const char* fault = DecodeDigest(in->sha256(), &out->sha256)) return fault;
  }
  if (in->value_case() == wal::Op::kInlineValue) {
    out->data = std::move(*in->mutable_inline_value());
    return nullptr;
  }
  return DecodePayload(in->payload(), &out->data.emplace<PayloadRef>());
}

const char* DecodeOp(wal::Op* in, ChangeOp* out) {
  switch (in->kind()) {
    case wal::OP_KIND_PUT:
      out->kind = ChangeOp::Kind::kPut;
      break;
    case wal::OP_KIND_DELETE:
      out->kind = ChangeOp::Kind::kDelete;
      break;
    case wal::OP_KIND_DELETE_RANGE:
      out->kind = ChangeOp::Kind::kDeleteRange;
      break;
    default:
      return "operation of an unknown kind";
  }
  out->key = std::move(*in->mutable_key());
  out->end_key = std::move(*in->mutable_end_key());
  if (out->kind == ChangeOp::Kind::kPut) {
    if (const char* fault = DecodeValue(in, &out->value)) return fault;
  } else if (in->value_case() != wal::Op::VALUE_NOT_SET || in->has_sha256()) {
    return "value of a delete";
  }
  return OpFault(*out);
}

// Walks the top level by hand, one field at a time, so that an invalid field is refused before the next one
// takes memory.
class ChangeSetDecoder {
 public:
  explicit ChangeSetDecoder(std::string_view bytes) : bytes_(bytes), in_(ReaderOf(bytes)) {}

  const char* Decode(ChangeSet* out) {
    out->ops.reserve(CountOps());
    for (uint32_t last_tag = kOpsTag; position() < bytes_.size();) {
      const uint32_t tag = in_.ReadTag();
      // Ascending, and only operations repeat: as written.
      if (tag < last_tag || (tag == last_tag && tag != kOpsTag)) return "field out of order";
      last_tag = tag;
      std::string_view field;
      if (const char* fault = ReadField(&field)) return fault;
      if (const char* fault = DecodeField(tag, field, out)) return fault;
    }
    return nullptr;
  }

  size_t position() const { return static_cast<size_t>(in_.CurrentPosition()); }

 private:
  // Counted first: one may be of four bytes and is fifty times as large in memory, three times that again
  // in a vector that grows.
  size_t CountOps() const {
    CodedInputStream in = ReaderOf(bytes_);
    size_t count = 0;
    uint32_t length = 0;
    while (in.ReadTag() == kOpsTag && in.ReadVarint32(&length) && in.Skip(static_cast<int>(length))) {
      if (length >= 2) ++count;
    }
    return count;
  }

  const char* ReadField(std::string_view* field) {
    uint64_t length = 0;
    if (!in_.ReadVarint64(&length) || length > bytes_.size() - position()) return "field cut short";
    *field = bytes_.substr(position(), length);
    return in_.Skip(static_cast<int>(length)) ? nullptr : "field cut short";
  }

  const char* DecodeField(uint32_t tag, std::string_view field, ChangeSet* out) {
    switch (tag) {
      case kOpsTag: {
        if (!HasOnly(kOpTags, field) || !op_.ParseFromArray(field.data(), static_cast<int>(field.size()))) {
          return "operation malformed";
        }
        ChangeOp op;
        if (const char* fault = DecodeOp(&op_, &op)) return fault;
        out->ops.push_back(std::move(op));
        return nullptr;
      }
      case kUserMetadataTag:
        if (field.empty() || field.size() > kMaxUserMetadataBytes) return "user metadata of a wrong length";
        out->user_metadata = field;
        return nullptr;
      case kDigestTag:
        return DecodeDigest(field, &out->digest);
      default:
        return "unknown field";
    }
  }

  const std::string_view bytes_;
  CodedInputStream in_;
  wal::Op op_;
};

}  // namespace

uint64_t StoredValue::length() const {
  return is_inline() ? std::get<std::string>(data).size() : std::get<PayloadRef>(data).length;
}

// Deterministic: no maps, and fields are written in the order of their numbers.
std::string EncodeChangeSet(const ChangeSet& change_set) {
  RAWKV_CHECK(change_set.user_metadata.size() <= kMaxUserMetadataBytes, "user metadata too long");
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    CodedOutputStream out(&stream);
    wal::Op op;
    for (const ChangeOp& change : change_set.ops) {
      EncodeOp(change, &op);
      const size_t op_bytes = op.ByteSizeLong();
      RAWKV_CHECK(op_bytes <= std::numeric_limits<int>::max(), "protobuf counts in int");
      out.WriteTag(kOpsTag);
      out.WriteVarint32(static_cast<uint32_t>(op_bytes));
      op.SerializeWithCachedSizes(&out);
    }
    if (!change_set.user_metadata.empty()) WriteBytes(kUserMetadataTag, change_set.user_metadata, &out);
    if (change_set.digest) WriteBytes(kDigestTag, AsStringView(*change_set.digest), &out);
  }
  return bytes;
}

std::vector<KeptPayload> KeptPayloads(const ChangeSet& change_set) {
  std::map<std::string_view, KeptPayload> kept;
  for (const ChangeOp& op : change_set.ops) {
    if (op.kind == ChangeOp::Kind::kDeleteRange) {
      kept.erase(kept.lower_bound(op.key), op.end_key.empty() ? kept.end() : kept.lower_bound(op.end_key));
      continue;
    }
    const auto* ref = op.kind == ChangeOp::Kind::kPut ? std::get_if<PayloadRef>(&op.value.data) : nullptr;
    if (ref != nullptr) {
      kept.insert_or_assign(op.key, KeptPayload{&op.key, ref});
    } else {
      kept.erase(op.key);
    }
  }
  std::vector<KeptPayload> out;
  out.reserve(kept.size());
  for (const auto& [key, payload] : kept) out.push_back(payload);
  return out;
}

Result<ChangeSet> DecodeChangeSet(ConstBytes bytes) {
  if (bytes.size() > std::numeric_limits<int>::max()) {
    return Status::Corruption("change set of " + std::to_string(bytes.size()) + " bytes is too long");
  }
  ChangeSetDecoder decoder(AsStringView(bytes));
  ChangeSet change_set;
  if (const char* fault = decoder.Decode(&change_set)) {
    return Status::Corruption("change set, byte " + std::to_string(decoder.position()) + ": " + fault);
  }
  return change_set;
}

}  // namespace rawkv
