import Testing

@testable import Formats

@Suite struct MailAddressTests {
    struct Case: Sendable { var header: String; var says: [String] }

    @Test(
        "an address list is read as it was meant",
        arguments: [
            Case(header: "Ann Lee <Ann@Example.com>", says: ["Ann Lee|Ann@Example.com"]),
            Case(header: "\"Lee, Ann (sales)\" <a@b.c>", says: ["Lee, Ann (sales)|a@b.c"]),
            Case(header: "\"a@old.example\" <a@new.example>", says: ["a@old.example|a@new.example"]),
            Case(header: "\"Ann \\\"Bee\\\" Lee\" <a@b.c>", says: ["Ann \"Bee\" Lee|a@b.c"]),
            Case(header: "a@b.c (Ann (Bee) Lee)", says: ["Ann (Bee) Lee|a@b.c"]),
            Case(header: "Ann <a@b.c> (李安)", says: ["Ann (李安)|a@b.c"]),
            Case(header: "a@b.c (Ann Lee", says: ["Ann Lee|a@b.c"]),
            Case(header: "Ann (Lee <a@b.c>", says: ["Ann (Lee|a@b.c"]),
            Case(header: "Team: a@b.c, Bo <b@c.d>; c@d.e", says: ["|a@b.c", "Bo|b@c.d", "|c@d.e"]),
            Case(header: "undisclosed-recipients:;", says: []),
            Case(header: "(nobody)Hidden:(none);", says: []),
            Case(header: "a@b.c; b@c.d;", says: ["|a@b.c", "|b@c.d"]),
            Case(header: "a@b.c b@c.d", says: ["|a@b.c", "|b@c.d"]),
            Case(header: "Ann <a@b.c> Bo <b@c.d>", says: ["Ann|a@b.c", "Bo|b@c.d"]),
            Case(header: "Tom <work> <a@b.c>", says: ["Tom work|a@b.c"]),
            Case(header: "Ann <a@b.c, Bo <b@c.d>", says: ["Ann|a@b.c", "Bo|b@c.d"]),
            Case(header: "Ann Lee <a@b.c", says: ["Ann Lee|a@b.c"]),
            Case(header: "Ann a@b.c, b@c.d Bo", says: ["Ann|a@b.c", "Bo|b@c.d"]),
            Case(header: "Dr. Ann a@b.c", says: ["Dr. Ann|a@b.c"]),
            Case(header: "Ann <@one.example,@two.example:a@b.c>", says: ["Ann|a@b.c"]),
            Case(header: "jo . ann @ b . example", says: ["|jo.ann@b.example"]),
            Case(header: "Ann <\"jo ann\"@b.c>, \"plain\"@b.c", says: ["Ann|\"jo ann\"@b.c", "|plain@b.c"]),
            Case(header: "\"a\\\"b\"@c.d", says: ["|\"a\\\"b\"@c.d"]),
            Case(header: "Ann <a(home)@b.c(office)>", says: ["Ann (home office)|a@b.c"]),
            Case(header: "a@[192.0.2.1], b@[IPv6:2001:db8::1]", says: ["|a@[192.0.2.1]", "|b@[IPv6:2001:db8::1]"]),
            Case(header: "用户 <用户@例子.广告>", says: ["用户|用户@例子.广告"]),
            Case(header: "=?utf-8?q?Lee=2C_Ann?= <a@b.c>", says: ["Lee, Ann|a@b.c"]),
            Case(header: "=?utf-8?q?Lee,_Ann?= <a@b.c>", says: ["Lee, Ann|a@b.c"]),
            Case(header: "\"=?utf-8?b?5p2O5a6J?=\" <a@b.c>", says: ["李安|a@b.c"]),
            Case(header: "=?utf-8?q?Ann_<a@b.c>,_b@c.d?=, Cy <c@d.e>", says: ["Ann|a@b.c", "|b@c.d", "Cy|c@d.e"]),
            Case(header: "<mailto:a@b.c?subject=x>", says: ["|mailto:a@b.c?subject=x"]),
            Case(header: "MAILER-DAEMON (Mail System)", says: ["Mail System|MAILER-DAEMON"]),
            Case(header: "Just A Name", says: []),
            Case(header: "<>", says: []),
            Case(header: ",,;:\"", says: []),
        ])
    func reads(_ test: Case) {
        let found = MailAddresses.parse(Array(test.header.utf8))
        #expect(found.map { "\($0.name)|\($0.written)" } == test.says)
    }

    @Test func `a person is known by the address in lower case, without the scheme of a link`() {
        let people = MailAddress.list("Ann@Example.COM, <mailto:Bo@b.c?subject=x>, ЮЗЕР@пример.рф")
        #expect(people.map(\.address) == ["ann@example.com", "bo@b.c", "юзер@пример.рф"])
        #expect(people.map(\.written) == ["Ann@Example.COM", "mailto:Bo@b.c?subject=x", "ЮЗЕР@пример.рф"])
    }

    @Test func `a list is read up to its limit`() {
        let list = (0..<100_000).map { "a\($0)@b.c" }.joined(separator: ", ")
        #expect(MailAddresses.parse(Array(list.utf8)).count == MailAddresses.addressesMax)
        let glued = String(repeating: "a@b ", count: 100_000)
        #expect(MailAddresses.parse(Array(glued.utf8)).count == MailAddresses.addressesMax)
    }

    @Test(
        "a mailbox that may be written as it stands is told from one that may not",
        arguments: [
            ("ann@example.com", true), ("Ann Lee <ann@example.com>", true), ("\"Lee, Ann\" <ann@example.com>", true),
            ("\"a b\"@example.com", true), ("用户@例子.广告", true), ("a@xn--3e0b707e", true), ("a@[192.0.2.1]", true),
            ("(office) ann@example.com (Ann)", true), ("", false), ("ann", false), ("ann@", false), ("@example.com", false),
            (".ann@example.com", false), ("an..n@example.com", false), ("ann@example.com.", false), ("a b@example.com", false),
            ("a@b@example.com", false), ("ann@xn--example.com", false), ("a(b)@example.com", false), ("a@b.c, d@e.f", false),
            ("\"ann@example.com", false), ("ann@exam ple.com", false), ("Ann <ann@example.com", false),
            (String(repeating: "a", count: 65) + "@b.c", false), ("a@" + String(repeating: "b", count: 64), false),
        ])
    func syntax(text: String, isGood: Bool) { #expect(MailboxSyntax.isMailbox(Array(text.utf8)) == isGood) }
}
