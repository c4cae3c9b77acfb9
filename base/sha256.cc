#include "base/sha256.h"

#include <openssl/evp.h>

#include "base/check.h"

namespace rawkv {
namespace {

// Fetched once: an implicit fetch at each use costs more than the hash of a small value.
const EVP_MD* Algorithm() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  RAWKV_CHECK(algorithm != nullptr, "libcrypto has no SHA-256");
  return algorithm;
}

}  // namespace

struct Sha256::Impl {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  bool finished = false;

  Impl() = default;
  ~Impl() { EVP_MD_CTX_free(context); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
};

Sha256::Sha256() : impl_(std::make_unique<Impl>()) {
  RAWKV_CHECK(impl_->context != nullptr, "out of memory");
  RAWKV_CHECK(EVP_DigestInit_ex2(impl_->context, Algorithm(), nullptr) == 1, "SHA-256 init failed");
}

Sha256::~Sha256() = default;

void Sha256::Update(ConstBytes bytes) {
  RAWKV_CHECK(!impl_->finished, "Update after Finish");
  if (bytes.empty()) return;
  RAWKV_CHECK(EVP_DigestUpdate(impl_->context, bytes.data(), bytes.size()) == 1, "SHA-256 update failed");
}

Sha256Digest Sha256::Finish() {
  RAWKV_CHECK(!impl_->finished, "Finish twice");
  impl_->finished = true;
  Sha256Digest digest;
  unsigned int length = 0;
  RAWKV_CHECK(
      EVP_DigestFinal_ex(impl_->context, reinterpret_cast<unsigned char*>(digest.data()), &length) == 1,
      "SHA-256 final failed");
  RAWKV_CHECK(length == digest.size(), "SHA-256 gives 32 bytes");
  return digest;
}

Sha256Digest Sha256Of(ConstBytes bytes) {
  Sha256 hash;
  hash.Update(bytes);
  return hash.Finish();
}

std::string ToHex(ConstBytes bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  out.reserve(2 * bytes.size());
  for (const std::byte byte : bytes) {
    out.push_back(kDigits[std::to_integer<size_t>(byte >> 4)]);
    out.push_back(kDigits[std::to_integer<size_t>(byte & std::byte{0x0f})]);
  }
  return out;
}

}  // namespace rawkv
