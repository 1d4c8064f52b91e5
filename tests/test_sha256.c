/* Oracles: the examples that NIST publishes with FIPS 180-4, and digests of zeros around the block
 * size made by Python's hashlib. */
#include "model/sha256.h"
#include "model/sha256_blocks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void assert_digest(const void *bytes, size_t size, const char *expected)
{
    unsigned char digest[SHA256_SIZE];
    char hex[SHA256_HEX_SIZE];
    sha256_of(bytes, size, digest);
    sha256_hex(digest, hex);
    assert_string_equal(hex, expected);
}

static void gives_the_published_digests(void **state)
{
    static const struct {
        const char *text, *digest;
    } cases[] = {
        { "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
        { "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
        { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
        { "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqr"
          "lmnopqrsmnopqrstnopq"
          "rstu",
          "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_digest(cases[i].text, strlen(cases[i].text), cases[i].digest);
}

static void gives_the_published_digest_of_a_million_letters(void **state)
{
    enum { SIZE = 1000000 };
    char *letters = malloc(SIZE);
    (void)state;
    assert_non_null(letters);
    memset(letters, 'a', SIZE);
    assert_digest(letters, SIZE,
                  "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    free(letters);
}

static void pads_right_at_every_size_around_a_block(void **state)
{
    static const struct {
        size_t size;
        const char *digest;
    } cases[] = {
        { 1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d" },
        { 55, "02779466cdec163811d078815c633f21901413081449002f24aa3e80f0b88ef7" },
        { 56, "d4817aa5497628e7c77e6b606107042bbba3130888c5f47a375e6179be789fbb" },
        { 57, "65a16cb7861335d5ace3c60718b5052e44660726da4cd13bb745381b235a1785" },
        { 63, "c7723fa1e0127975e49e62e753db53924c1bd84b8ac1ac08df78d09270f3d971" },
        { 64, "f5a5fd42d16a20302798ef6ed309979b43003d2320d9f0e8ea9831a92759fb4b" },
        { 65, "98ce42deef51d40269d542f5314bef2c7468d401ad5d85168bfab4c0108f75f7" },
        { 119, "f616b0d54e78571a9611f343c9f8e022e859e920381ab0e4d3da01e193a7bd7e" },
        { 120, "6edd9f6f9cc92cded36e6c4a580933f9c9f1b90562b46903b806f21902a1a54f" },
        { 128, "38723a2e5e8a17aa7950dc008209944e898f69a7bd10a23c839d341e935fd5ca" },
    };
    static const unsigned char zeros[128];
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_digest(zeros, cases[i].size, cases[i].digest);
}

static void pieces_of_any_size_give_the_digest_of_the_whole(void **state)
{
    unsigned char bytes[300], whole[SHA256_SIZE], digest[SHA256_SIZE];
    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 37);
    sha256_of(bytes, sizeof bytes, whole);
    for (size_t piece = 1; piece <= sizeof bytes; piece++) {
        struct sha256 sha;
        sha256_begin(&sha);
        for (size_t at = 0; at < sizeof bytes; at += piece)
            sha256_add(&sha, bytes + at, piece < sizeof bytes - at ? piece : sizeof bytes - at);
        sha256_add(&sha, NULL, 0);
        sha256_end(&sha, digest);
        assert_memory_equal(digest, whole, SHA256_SIZE);
    }
}

/* The last of FIPS 180-4's examples, padded by hand: two blocks. */
static void every_instruction_set_gives_the_published_state(void **state)
{
    static const char *const isas[] = { "generic", "sha" };
    static const uint32_t first[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                       0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };
    static const uint32_t expected[8] = { 0xcf5b16a7, 0x78af8380, 0x036ce59e, 0x7b049237,
                                          0x0b249b11, 0xe8f07a51, 0xafac4503, 0x7afee9d1 };
    (void)state;
    unsigned char blocks[2 * SHA256_BLOCK_SIZE] =
        "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrl"
        "mnopqrsmnopqrstnopqrstu\x80";
    blocks[126] = 0x03, blocks[127] = 0x80; /* 896 bits */
    for (size_t i = 0; i < COUNT(isas); i++) {
        sha256_blocks *add_blocks = sha256_blocks_pick(isas[i]);
        uint32_t whole[8], apart[8];
        if (!add_blocks) {
            printf("SKIPPED: SHA-256 by \"%s\": not on this processor\n", isas[i]);
            continue;
        }
        memcpy(whole, first, sizeof whole);
        add_blocks(whole, blocks, 2);
        assert_memory_equal(whole, expected, sizeof whole);
        memcpy(apart, first, sizeof apart);
        add_blocks(apart, blocks, 1);
        add_blocks(apart, blocks + SHA256_BLOCK_SIZE, 1);
        add_blocks(apart, blocks, 0);
        assert_memory_equal(apart, expected, sizeof apart);
    }
    assert_null(sha256_blocks_pick("abacus"));
    assert_true(sha256_blocks_pick("generic") == sha256_blocks_generic);
}

/* Long inputs, so that every round constant and every order of the schedule is met by all bits. */
static void instruction_sets_agree_on_random_blocks(void **state)
{
    sha256_blocks *fastest = sha256_blocks_pick(NULL);
    unsigned char blocks[64 * SHA256_BLOCK_SIZE];
    uint32_t ours[8] = { 1, 2, 3, 4, 5, 6, 7, 8 }, plain[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    uint64_t seed = 3;
    (void)state;
    for (int round = 0; round < 200; round++) {
        for (size_t i = 0; i < sizeof blocks; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            blocks[i] = (unsigned char)(seed >> 56);
        }
        size_t count = (size_t)(seed >> 32) % 65;
        fastest(ours, blocks, count);
        sha256_blocks_generic(plain, blocks, count);
        assert_memory_equal(ours, plain, sizeof ours);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_the_published_digests),
        cmocka_unit_test(gives_the_published_digest_of_a_million_letters),
        cmocka_unit_test(pads_right_at_every_size_around_a_block),
        cmocka_unit_test(pieces_of_any_size_give_the_digest_of_the_whole),
        cmocka_unit_test(every_instruction_set_gives_the_published_state),
        cmocka_unit_test(instruction_sets_agree_on_random_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
