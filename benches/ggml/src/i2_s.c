// The design of bitnet.cpp's I2_S on AVX2, in C as theirs: src/i2_s.rs says what it is.

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

enum { WIDEN = 32 }; // blocks after which i16 sums are widened

// Sums of one row of `blocks` blocks with `tokens` tokens, which is a constant wherever this is inlined.
static inline __attribute__((always_inline)) void row_sums(const __m256i *row, size_t blocks, const int8_t *x, size_t cols,
                                                           int tokens, float *out, size_t stride) {
    const __m256i mask = _mm256_set1_epi8(3);
    __m256i total[4];
    for (int t = 0; t < tokens; t++) total[t] = _mm256_setzero_si256();
    for (size_t start = 0; start < blocks; start += WIDEN) {
        size_t end = start + WIDEN < blocks ? start + WIDEN : blocks;
        __m256i sums[4];
        for (int t = 0; t < tokens; t++) sums[t] = _mm256_setzero_si256();
        for (size_t i = start; i < end; i++) {
            __m256i packed = _mm256_loadu_si256(row + i);
            __m256i a = _mm256_and_si256(_mm256_srli_epi16(packed, 6), mask);
            __m256i b = _mm256_and_si256(_mm256_srli_epi16(packed, 4), mask);
            __m256i c = _mm256_and_si256(_mm256_srli_epi16(packed, 2), mask);
            __m256i d = _mm256_and_si256(packed, mask);
            for (int t = 0; t < tokens; t++) {
                const __m256i *at = (const __m256i *)(x + t * cols + 128 * i);
                __m256i ab = _mm256_add_epi16(_mm256_maddubs_epi16(a, _mm256_loadu_si256(at)),
                                              _mm256_maddubs_epi16(b, _mm256_loadu_si256(at + 1)));
                __m256i cd = _mm256_add_epi16(_mm256_maddubs_epi16(c, _mm256_loadu_si256(at + 2)),
                                              _mm256_maddubs_epi16(d, _mm256_loadu_si256(at + 3)));
                sums[t] = _mm256_add_epi16(sums[t], _mm256_add_epi16(ab, cd));
            }
        }
        for (int t = 0; t < tokens; t++)
            total[t] = _mm256_add_epi32(total[t], _mm256_madd_epi16(sums[t], _mm256_set1_epi16(1)));
    }
    for (int t = 0; t < tokens; t++) {
        __m128i four = _mm_add_epi32(_mm256_castsi256_si128(total[t]), _mm256_extracti128_si256(total[t], 1));
        __m128i two = _mm_add_epi32(four, _mm_unpackhi_epi64(four, four));
        out[t * stride] = (float)(_mm_cvtsi128_si32(two) + _mm_extract_epi32(two, 1));
    }
}

// One row after another, four tokens at a time.
void i2_s_product(const uint8_t *weights, size_t rows, size_t cols, const int8_t *x, size_t tokens, float *out) {
    for (size_t r = 0; r < rows; r++) {
        const __m256i *row = (const __m256i *)(weights + r * (cols / 4));
        size_t t = 0;
        for (; t + 4 <= tokens; t += 4) row_sums(row, cols / 128, x + t * cols, cols, 4, out + t * rows + r, rows);
        for (; t < tokens; t++) row_sums(row, cols / 128, x + t * cols, cols, 1, out + t * rows + r, rows);
    }
}
