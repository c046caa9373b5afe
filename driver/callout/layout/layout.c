/*
 * Writes what a client in another language needs to know of ioctl.h, and checks what such a client wrote.
 *
 *   layout write DIR        DIR/layout.json and one DIR/NAME.bin per structure, every field filled with a known value
 *   layout check NAME FILE  whether FILE holds exactly those values of structure NAME; tells the first field that differs
 *
 * The value of a field depends on its structure and place only, so both sides can compute or read it from layout.json.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../ioctl.h"
#include "table.h"

static const STRUCTURE *Find(const char *name)
{
    for (const STRUCTURE *s = Structures; s->name != NULL; s++) {
        if (strcmp(s->name, name) == 0) {
            return s;
        }
    }
    return NULL;
}

/* Distinct bytes in every field, none of them zero except in reserved fields, so that a shifted field shows. */
static SP_U64 Value(const STRUCTURE *structure, const FIELD *field, size_t element)
{
    SP_U64 value = 0;
    if (strncmp(field->name, "reserved", 8) == 0) {
        return 0;
    }
    for (size_t i = 0; i < field->width; i++) {
        size_t at = field->offset + element * field->width + i;
        value |= (SP_U64)(1 + (at * 7 + (size_t)(structure - Structures) * 31) % 251) << (8 * i);
    }
    return value;
}

static void Fill(const STRUCTURE *structure, unsigned char *bytes)
{
    memset(bytes, 0, structure->size);
    for (const FIELD *f = structure->fields; f->name != NULL; f++) {
        for (size_t e = 0; e < f->count; e++) {
            SP_U64 value = Value(structure, f, e);
            memcpy(bytes + f->offset + e * f->width, &value, f->width); /* little endian hosts only, as Windows is */
        }
    }
}

static void WriteStructure(FILE *json, const STRUCTURE *s, int first)
{
    fprintf(json, "%s\n    \"%s\": {\n      \"size\": %zu,\n      \"fields\": [", first ? "" : ",", s->name, s->size);
    for (const FIELD *f = s->fields; f->name != NULL; f++) {
        fprintf(json, "%s\n        { \"name\": \"%s\", \"offset\": %zu, \"width\": %zu, \"count\": %zu, \"values\": [",
                f == s->fields ? "" : ",", f->name, f->offset, f->width, f->count);
        for (size_t e = 0; e < f->count; e++) {
            fprintf(json, "%s\"%" PRIu64 "\"", e == 0 ? "" : ", ", Value(s, f, e));
        }
        fprintf(json, "] }");
    }
    fprintf(json, "\n      ]\n    }");
}

static int WriteJson(const char *directory)
{
    char path[1024];
    FILE *json;
    snprintf(path, sizeof(path), "%s/layout.json", directory);
    json = fopen(path, "w");
    if (json == NULL) {
        perror(path);
        return 1;
    }
    fprintf(json, "{\n  \"constants\": {");
    for (const CONSTANT *c = Constants; c->name != NULL; c++) {
        fprintf(json, "%s\n    \"%s\": %" PRIu32, c == Constants ? "" : ",", c->name, c->value);
    }
    fprintf(json, "\n  },\n  \"callouts\": {");
    for (const CALLOUT_KEY *c = Callouts; c->name != NULL; c++) {
        const KEY *k = &c->key;
        fprintf(json, "%s\n    \"%s\": \"%08" PRIx32 "-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x\"", c == Callouts ? "" : ",",
                c->name, k->data1, k->data2, k->data3, k->data4[0], k->data4[1], k->data4[2], k->data4[3], k->data4[4],
                k->data4[5], k->data4[6], k->data4[7]);
    }
    fprintf(json, "\n  },\n  \"structures\": {");
    for (const STRUCTURE *s = Structures; s->name != NULL; s++) {
        WriteStructure(json, s, s == Structures);
    }
    fprintf(json, "\n  }\n}\n");
    return fclose(json) != 0;
}

static int WriteBytes(const char *directory, const STRUCTURE *s)
{
    char path[1024];
    unsigned char bytes[4096];
    FILE *file;
    snprintf(path, sizeof(path), "%s/%s.bin", directory, s->name);
    file = fopen(path, "wb");
    if (file == NULL) {
        perror(path);
        return 1;
    }
    Fill(s, bytes);
    if (fwrite(bytes, 1, s->size, file) != s->size) {
        perror(path);
        fclose(file);
        return 1;
    }
    return fclose(file) != 0;
}

static int Check(const STRUCTURE *s, const char *path)
{
    unsigned char expected[4096], actual[4097];
    FILE *file = fopen(path, "rb");
    size_t length;
    if (file == NULL) {
        perror(path);
        return 1;
    }
    length = fread(actual, 1, sizeof(actual), file);
    fclose(file);
    if (length != s->size) {
        fprintf(stderr, "%s: %zu bytes, %s has %zu\n", path, length, s->name, s->size);
        return 1;
    }
    Fill(s, expected);
    for (const FIELD *f = s->fields; f->name != NULL; f++) {
        if (memcmp(actual + f->offset, expected + f->offset, f->width * f->count) != 0) {
            fprintf(stderr, "%s: field %s at offset %zu differs\n", path, f->name, f->offset);
            return 1;
        }
    }
    if (memcmp(actual, expected, s->size) != 0) {
        fprintf(stderr, "%s: a byte between the fields is not zero\n", path);
        return 1;
    }
    return 0;
}

/* Every byte of a structure must belong to exactly one field: no padding that nobody names. */
static int Covered(const STRUCTURE *s)
{
    size_t end = 0;
    for (const FIELD *f = s->fields; f->name != NULL; f++) {
        if (f->offset != end) {
            fprintf(stderr, "%s: bytes %zu to %zu have no name\n", s->name, end, f->offset);
            return 1;
        }
        end = f->offset + f->width * f->count;
    }
    if (end != s->size) {
        fprintf(stderr, "%s: bytes %zu to %zu have no name\n", s->name, end, s->size);
        return 1;
    }
    return 0;
}

int main(int count, char **arguments)
{
    int failed = 0;
    for (const STRUCTURE *s = Structures; s->name != NULL; s++) {
        failed |= Covered(s);
    }
    if (failed) {
        return 1;
    }
    if (count == 3 && strcmp(arguments[1], "write") == 0) {
        failed = WriteJson(arguments[2]);
        for (const STRUCTURE *s = Structures; s->name != NULL; s++) {
            failed |= WriteBytes(arguments[2], s);
        }
        return failed;
    }
    if (count == 4 && strcmp(arguments[1], "check") == 0) {
        const STRUCTURE *s = Find(arguments[2]);
        if (s == NULL) {
            fprintf(stderr, "no structure %s in ioctl.h\n", arguments[2]);
            return 1;
        }
        return Check(s, arguments[3]);
    }
    fprintf(stderr, "usage: layout write DIR | layout check NAME FILE\n");
    return 2;
}
