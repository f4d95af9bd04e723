#include "check.h"

#include "base/arena.h"
#include "platform/aws/aws_form.h"

static struct arena *arena;

static void test_aws_form_add__encoding(void **state)
{
    (void)state;
    static const struct {
        const char *given, *value, *then;
    } CASES[] = {
        {"what needs no code", "azAZ09-_.~", "N=azAZ09-_.~"},
        {"a blank and a plus", "a b+c", "N=a%20b%2Bc"},
        {"what separates", "a=b&c;d/e:f", "N=a%3Db%26c%3Bd%2Fe%3Af"},
        {"UTF-8", "\xc3\xa9", "N=%C3%A9"},
        {"JSON", "{\"a\":\n1}", "N=%7B%22a%22%3A%0A1%7D"},
        {"nothing", "", "N="},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        struct text_builder form;
        text_builder_init(&form, arena, 8);
        aws_form_add(&form, "N", text_of(CASES[at].value));
        CHECK_TEXT(CASES[at].given, text_builder_text(&form), CASES[at].then);
    }
}

static void test_aws_form_add__several(void **state)
{
    (void)state;
    struct text_builder form;
    text_builder_init(&form, arena, 8);
    aws_form_add(&form, "Action", TEXT("PublishBatch"));
    aws_form_add_at(&form, TEXT("1"), "Entries.member.%d.Id", 2);
    CHECK_TEXT("two fields", text_builder_text(&form), "Action=PublishBatch&Entries.member.2.Id=1");
}

static void test_aws_xml_find__elements(void **state)
{
    (void)state;
    static const struct {
        const char *given, *xml, *name, *then; /* NULL: there is none */
    } CASES[] = {
        {"an element", "<a><b>c</b></a>", "b", "c"},
        {"with attributes", "<a x=\"y\">c</a>", "a", "c"},
        {"with a line end in its tag", "<a\n x=\"y\">c</a>", "a", "c"},
        {"whose name begins another's", "<Code2>x</Code2><Code>y</Code>", "Code", "y"},
        {"with others inside", "<a><b>c</b></a>", "a", "<b>c</b>"},
        {"that is empty", "<a></a>", "a", ""},
        {"that ends itself", "<a/>", "a", ""},
        {"that is missing", "<a>b</a>", "c", NULL},
        {"that has no end", "<a>b", "a", NULL},
        {"whose tag has no end", "<a", "a", NULL},
        {"in nothing", "", "a", NULL},
        {"in text that is no XML", "503 busy <", "a", NULL},
    };
    for (size_t at = 0; at < COUNT(CASES); at++) {
        const struct text found = aws_xml_find(text_of(CASES[at].xml), CASES[at].name);
        CHECK_EQ(CASES[at].given, text_is_none(found), CASES[at].then == NULL);
        if (CASES[at].then != NULL)
            CHECK_TEXT(CASES[at].given, found, CASES[at].then);
    }
}

static void test_aws_xml_next__one_after_the_other(void **state)
{
    (void)state;
    struct text rest = TEXT("<r><m><Id>1</Id></m><m/><m><Id>2</Id></m></r>");
    CHECK_TEXT("the first", aws_xml_find(aws_xml_next(&rest, "m"), "Id"), "1");
    CHECK_TEXT("the second", aws_xml_next(&rest, "m"), "");
    CHECK_TEXT("the third", aws_xml_find(aws_xml_next(&rest, "m"), "Id"), "2");
    CHECK("no more", text_is_none(aws_xml_next(&rest, "m")));
    CHECK("and none after", text_is_none(aws_xml_next(&rest, "m")));
}

static void test_aws_xml_unescape__entities(void **state)
{
    (void)state;
    static const struct {
        const char *given, *escaped, *then;
    } CASES[] = {
        {"plain text", "abc", "abc"},
        {"nothing", "", ""},
        {"the named ones", "&lt;&gt;&amp;&quot;&apos;", "<>&\"'"},
        {"one that is escaped twice", "&amp;lt;", "&lt;"},
        {"numbers", "&#65;&#x42;&#xe9;&#x20AC;&#x1F600;", "AB\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"a number beyond Unicode", "a&#x110000;b", "ab"},
        {"an unknown one", "a&nope;b", "ab"},
        {"one without an end", "a&lt", "a<"},
    };
    for (size_t at = 0; at < COUNT(CASES); at++)
        CHECK_TEXT(CASES[at].given, aws_xml_unescape(arena, text_of(CASES[at].escaped)),
                   CASES[at].then);
}

int main(void)
{
    arena = arena_new(1024 * 1024);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_aws_form_add__encoding),
        cmocka_unit_test(test_aws_form_add__several),
        cmocka_unit_test(test_aws_xml_find__elements),
        cmocka_unit_test(test_aws_xml_next__one_after_the_other),
        cmocka_unit_test(test_aws_xml_unescape__entities),
    };
    const int failed = cmocka_run_group_tests_name("platform/aws_form", tests, NULL, NULL);
    arena_free(arena);
    return failed;
}
