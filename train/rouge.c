#include "train/rouge.h"

#include <stdlib.h>
#include <string.h>

enum { TEXTS = 3 }; /* reference, output, source */

struct word {
    const char *bytes;
    size_t size, place; /* place: among all words of all texts */
};

/* The texts as numbers: equal words have equal ones. */
struct numbered {
    struct word *words; /* of all texts; sorted when the numbers are known */
    uint32_t *ids;      /* by place */
    uint64_t *grams[2]; /* room for the pairs of two texts */
    size_t starts[TEXTS + 1];
    char *lower;
};

/* The lower-case letter or digit at bytes, its length in *size; 0 for what separates words. Besides
 * A-Z two characters have a lower case with an ASCII letter: the Kelvin sign, and I with a dot
 * above, whose dot separates. */
static char letter_at(const char *bytes, size_t left, size_t *size)
{
    static const struct {
        const char *bytes;
        size_t size;
        char letter;
    } others[] = { { "\xe2\x84\xaa", 3, 'k' }, { "\xc4\xb0", 2, 'i' } };
    char c = *bytes;
    *size = 1;
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
        return c;
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (left >= others[i].size && !memcmp(bytes, others[i].bytes, others[i].size))
            return *size = others[i].size, others[i].letter;
    return 0;
}

/* Cuts a text into words, written one after another at lower; returns how many. */
static size_t cut(const struct rouge_text *text, char *lower, struct word *words)
{
    size_t count = 0, step;
    int within = 0;
    for (size_t at = 0; at < text->size; at += step) {
        char letter = letter_at(text->bytes + at, text->size - at, &step);
        if (!letter) {
            within = 0;
            continue;
        }
        if (!within)
            words[count++] = (struct word){ .bytes = lower };
        *lower++ = letter;
        words[count - 1].size++;
        within = !(step == 2); /* the dot of an I */
    }
    return count;
}

static int compare_words(const void *a, const void *b)
{
    const struct word *x = a, *y = b;
    int order = memcmp(x->bytes, y->bytes, x->size < y->size ? x->size : y->size);
    return order ? order : (x->size > y->size) - (x->size < y->size);
}

static int compare_grams(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void number_words(struct numbered *n)
{
    const size_t count = n->starts[TEXTS];
    for (size_t i = 0; i < count; i++)
        n->words[i].place = i;
    qsort(n->words, count, sizeof *n->words, compare_words);
    for (size_t i = 0, id = 0; i < count; i++) {
        id += i && compare_words(&n->words[i - 1], &n->words[i]);
        n->ids[n->words[i].place] = (uint32_t)id;
    }
}

static double f1(size_t common, size_t reference, size_t output)
{
    if (common == 0)
        return 0;
    double precision = (double)common / (double)output, recall = (double)common / (double)reference;
    return 2 * precision * recall / (precision + recall);
}

static size_t list_grams(const struct numbered *n, int text, size_t length, uint64_t *grams)
{
    const size_t first = n->starts[text], end = n->starts[text + 1];
    size_t count = 0;
    for (size_t i = first; i + length <= end; i++)
        grams[count++] = length == 1 ? n->ids[i] : (uint64_t)n->ids[i] << 32 | n->ids[i + 1];
    qsort(grams, count, sizeof *grams, compare_grams);
    return count;
}

/* Runs of so many words that both texts have, each as often as the text that has it less often. */
static double share_grams(const struct numbered *n, size_t length)
{
    const size_t reference = list_grams(n, 0, length, n->grams[0]),
                 output = list_grams(n, 1, length, n->grams[1]);
    size_t common = 0;
    for (size_t i = 0, j = 0; i < reference && j < output;) {
        uint64_t x = n->grams[0][i], y = n->grams[1][j];
        common += x == y;
        i += x <= y;
        j += y <= x;
    }
    return f1(common, reference, output);
}

static double share_sequence(const struct numbered *n)
{
    const uint32_t *reference = n->ids + n->starts[0], *output = n->ids + n->starts[1];
    const size_t rows = n->starts[1] - n->starts[0], cols = n->starts[2] - n->starts[1];
    uint64_t *longest = n->grams[0]; /* of the reference so far and the first words of the output */
    memset(longest, 0, (cols + 1) * sizeof *longest);
    for (size_t i = 0; i < rows; i++) {
        uint64_t diagonal = 0;
        for (size_t j = 0; j < cols; j++) {
            uint64_t above = longest[j + 1], left = longest[j];
            longest[j + 1] = reference[i] == output[j] ? diagonal + 1 : above > left ? above : left;
            diagonal = above;
        }
    }
    return f1((size_t)longest[cols], rows, cols);
}

static int stands_in(const uint32_t *ids, size_t count, uint32_t id)
{
    for (size_t i = 0; i < count; i++)
        if (ids[i] == id)
            return 1;
    return 0;
}

static int has_digit(const struct word *word)
{
    for (size_t i = 0; i < word->size; i++)
        if (word->bytes[i] <= '9')
            return 1;
    return 0;
}

/* The output's words that the source lacks, and those of them that are numbers. */
static void count_novel(const struct numbered *n, struct rouge *rouge)
{
    const uint32_t *source = n->ids + n->starts[2];
    const size_t count = n->starts[3] - n->starts[2];
    for (size_t i = 0; i < n->starts[TEXTS]; i++) {
        const struct word *word = &n->words[i];
        if (word->place < n->starts[1] || word->place >= n->starts[2] ||
            stands_in(source, count, n->ids[word->place]))
            continue;
        rouge->novel++;
        rouge->numbers += has_digit(word);
    }
}

static int32_t count_repeats(const struct numbered *n)
{
    const uint32_t *output = n->ids + n->starts[1];
    const size_t count = n->starts[2] - n->starts[1];
    int32_t repeats = 0;
    for (size_t i = 1; i + 2 < count; i++)
        for (size_t j = 0; j < i; j++)
            if (!memcmp(output + i, output + j, 3 * sizeof *output)) {
                repeats++;
                break;
            }
    return repeats;
}

enum lstm_status rouge_score(const struct rouge_text *reference, const struct rouge_text *output,
                             const struct rouge_text *source, struct rouge *rouge,
                             struct lstm_error *err)
{
    const struct rouge_text *texts[TEXTS] = { reference, output,
                                              source ? source : &(struct rouge_text){ "", 0 } };
    size_t bytes = 0;
    for (int i = 0; i < TEXTS; i++)
        bytes += texts[i]->size;
    const size_t room = bytes / 2 + TEXTS; /* words stand apart */
    struct numbered n = { 0 };
    n.words = malloc(room * (sizeof *n.words + 2 * sizeof **n.grams + sizeof *n.ids) + bytes);
    if (!n.words)
        return lstm_fail(err, LSTM_NOMEM, "out of memory to compare texts of %zu bytes", bytes);
    n.grams[0] = (uint64_t *)(n.words + room);
    n.grams[1] = n.grams[0] + room;
    n.ids = (uint32_t *)(n.grams[1] + room);
    n.lower = (char *)(n.ids + room);
    for (int i = 0; i < TEXTS; i++) {
        n.starts[i + 1] = n.starts[i] + cut(texts[i], n.lower, n.words + n.starts[i]);
        n.lower += texts[i]->size;
    }
    number_words(&n);
    *rouge = (struct rouge){ .one = share_grams(&n, 1),
                             .two = share_grams(&n, 2),
                             .l = share_sequence(&n),
                             .words = (int32_t)(n.starts[2] - n.starts[1]),
                             .repeats = count_repeats(&n) };
    if (source)
        count_novel(&n, rouge);
    free(n.words);
    return LSTM_OK;
}
