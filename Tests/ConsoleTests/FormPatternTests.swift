import Testing

@testable import Console

@Suite struct FormPatternTests {
    @Test(
        "a pattern matches the whole text",
        arguments: [
            ("[A-Z]{2}[0-9]{4}", "HY2026", true), ("[A-Z]{2}[0-9]{4}", "HY20261", false), ("^HY\\d+$", "HY1", true), ("a|bc|", "bc", true),
            ("a|bc|", "", true), ("a|bc|", "b", false), ("(ab)*c?", "ababc", true), ("(ab)*c?", "abac", false), ("a.c", "a\nc", false),
            ("a.c", "a🙂c", true), ("[^0-9]+", "abc", true), ("[^0-9]+", "ab1", false), ("\\p{Han}{2,4}", "王小明", true),
            ("\\p{Han}{2,4}", "Anna", false), ("\\p{L}+( \\p{L}+)*", "Ána Łu", true), ("[\\w.-]+", "a.b-c_d", true), ("[]x]", "x", false),
            ("a{0}b", "b", true), ("a{2,}", "aaa", true), ("a{2,}", "a", false), ("(?:a|b){3}", "aba", true), ("\\+\\d{1,3}", "+49", true),
            ("[a\\-z]+", "a-z", true), ("[a\\-z]+", "b", false), ("\\s*x\\s*", "\u{3000}x ", true), ("(a*)*", "aaaa", true),
            ("(a*)*", "b", false),
        ])
    func matches(pattern: String, text: String, isRight: Bool) throws {
        if pattern == "[]x]" {  // an empty set, then words: no text matches a set of nothing
            #expect(try FormPattern(pattern).matches(text) == isRight)
            return
        }
        #expect(try FormPattern(pattern).matches(text) == isRight)
    }

    @Test(
        "what is not known is said",
        arguments: [
            ("(?=a)", "without looking ahead"), ("(a)\\1", "`\\1` is not known"), ("a**", "repeats nothing"), ("(a", "a `(` has no `)`"),
            ("a)", "a `)` too many"), ("[a", "a `[` has no `]`"), ("[z-a]", "runs backwards"), ("a{5,2}", "no repetition"),
            ("*a", "repeats nothing"),
            ("\\bword", "`\\b` is not known"), ("a\\", "ends with"), ("(((a{1000}){1000}){1000})", "too long"), ("\\p{Greek}", "not known"),
            ("[\\D]", "cannot stand inside"),
        ])
    func mistakes(pattern: String, says: String) {
        let mistake = #expect(throws: FormPattern.Mistake.self) { try FormPattern(pattern) }
        #expect(mistake?.description.contains(says) == true, "\(mistake?.description ?? "")")
    }

    @Test(.timeLimit(.minutes(1))) func `no text makes a pattern slow`() throws {
        for pattern in ["(a+)+b", "(a|a)*b", "(a|aa)+b", "(.*)*x", "(a?){50}a{50}b"] {
            #expect(try !FormPattern(pattern).matches(String(repeating: "a", count: 5000)))
        }
        #expect(try !FormPattern(".*").matches(String(repeating: "a", count: FormPattern.textMax + 1)))
    }
}
