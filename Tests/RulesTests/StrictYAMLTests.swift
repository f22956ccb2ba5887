import Rules
import Testing

@Suite struct StrictYAMLTests {
    enum Colour: String, CaseIterable { case red, green, blue }

    struct Bad: Sendable, CustomTestStringConvertible {
        let yaml: String
        let says: String
        var testDescription: String { says }
    }

    private func readAll(_ text: String) throws {
        let root = try StrictYAML.read(text, file: "a.yaml").mapping(keys: [
            "listen", "count", "wait", "size", "on", "colour", "list", "inner",
        ])
        _ = try root["listen"]?.string()
        _ = try root["count"]?.int(in: 1...9)
        _ = try root["wait"]?.duration(in: .seconds(1) ... .seconds(3600))
        _ = try root["size"]?.sizeBytes(in: 1...(1 << 20))
        _ = try root["on"]?.bool()
        _ = try root["colour"]?.oneOf(Colour.self)
        _ = try root["list"]?.list()
        _ = try root["inner"]?.mapping(keys: ["name"]).required("name").string()
    }

    @Test(
        "a wrong value says where it stands and what to write",
        arguments: [
            Bad(yaml: "lisen: x", says: "a.yaml:1:1: `lisen` is not a key here; did you mean `listen`?"),
            Bad(
                yaml: "listen: x\nzzz: 1",
                says: "a.yaml:2:1: `zzz` is not a key here; use listen, count, wait, size, on, colour, list or inner"),
            Bad(yaml: "count: 12", says: "a.yaml:1:8: `count` is `12`; write a whole number from 1 to 9"),
            Bad(yaml: "count: many", says: "a.yaml:1:8: `count` is `many`; write a whole number from 1 to 9"),
            Bad(yaml: "wait: 3 days", says: "a.yaml:1:7: `wait` is `3 days`; write a number and a unit: 30s, 5m, 2h or 3d"),
            Bad(yaml: "wait: 2h", says: "a.yaml:1:7: `wait` is `2h`; write 1s to 1h"),
            Bad(yaml: "size: 2MB", says: "a.yaml:1:7: `size` is `2MB`; write a size from 1 to 1MB"),
            Bad(yaml: "on: yes", says: "a.yaml:1:5: `on` is `yes`; write true or false"),
            Bad(yaml: "colour: gren", says: "a.yaml:1:9: `gren` is not a value of `colour`; did you mean `green`?"),
            Bad(yaml: "colour: violet", says: "a.yaml:1:9: `violet` is not a value of `colour`; use red, green or blue"),
            Bad(yaml: "listen: [a]", says: "a.yaml:1:9: `listen` must be a text, not a list"),
            Bad(yaml: "listen: {a: 1}", says: "a.yaml:1:9: `listen` must be a text, not a mapping"),
            Bad(yaml: "listen:", says: "a.yaml:1:8: `listen` is empty; write a text"),
            Bad(yaml: "list: x", says: "a.yaml:1:7: `list` must be a list; write `- item` lines or [a, b]"),
            Bad(yaml: "inner:\n  nme: x", says: "a.yaml:2:3: `nme` is not a key here; did you mean `name`?"),
            Bad(yaml: "inner: {}", says: "a.yaml:1:8: `name` is missing in `inner`; add it"),
            Bad(yaml: "inner: x", says: "a.yaml:1:8: `inner` must be a mapping; write `key: value` lines"),
            Bad(yaml: "- a", says: "a.yaml:1:1: this must be a mapping; write `key: value` lines"),
            Bad(yaml: "on: true\non: false", says: "a.yaml:1:1: `on` stands more than once in this mapping; keep one"),
            Bad(
                yaml: "listen: \"x",
                says: "a.yaml:1:11: this is not YAML: found unexpected end of stream; look at the indentation and the quotes around it"),
            Bad(
                yaml: "count: 1\n  wait: 2s",
                says:
                    "a.yaml:2:7: this is not YAML: mapping values are not allowed in this context; look at the indentation and the quotes around it"
            ),
        ])
    func rejects(_ bad: Bad) {
        let error = #expect(throws: RuleError.self) { try readAll(bad.yaml) }
        #expect(error?.description == bad.says)
    }

    @Test(
        "durations are read in every unit",
        arguments: [
            ("0", .zero), ("250ms", .milliseconds(250)), ("30s", .seconds(30)), ("5m", .seconds(300)), ("2h", .seconds(7200)),
            ("3d", .seconds(259_200)), ("1w", .seconds(604_800)),
        ] as [(String, Duration)])
    func duration(text: String, is expected: Duration) throws {
        #expect(try StrictYAML.read(text, file: "a.yaml").duration() == expected)
    }

    @Test("sizes are read in every unit", arguments: [("7", 7), ("7B", 7), ("64KB", 65_536), ("50mb", 50 << 20), ("2GB", 2 << 30)])
    func size(text: String, is expected: Int) throws {
        #expect(try StrictYAML.read(text, file: "a.yaml").sizeBytes() == expected)
    }

    @Test("an empty file is a mapping without keys", arguments: ["", "\n\n", "# only a comment\n", "~"])
    func empty(text: String) throws {
        #expect(try StrictYAML.read(text, file: "a.yaml").mapping(keys: ["a"]).entries.isEmpty)
    }

    @Test("keys that the operator chose keep their order")
    func namedEntries() throws {
        let mapping = try StrictYAML.read("b: 1\na: 2", file: "a.yaml").namedEntries()
        #expect(mapping.entries.map(\.key) == ["b", "a"])
        #expect(mapping.entries[1].keyNode.line == 2)
    }

    @Test("a text below front matter counts its lines from the top of the file")
    func linesBefore() {
        let error = #expect(throws: RuleError.self) {
            try StrictYAML.read("subjct: x", file: "10-hello.md", linesBefore: 1).mapping(keys: ["subject"])
        }
        #expect(error?.description == "10-hello.md:2:1: `subjct` is not a key here; did you mean `subject`?")
    }

    @Test("a small file that unfolds into millions of values is refused")
    func laughs() {
        var yaml = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...6 {
            let alias = "*a\(level - 1)"
            yaml += "a\(level): &a\(level) [" + Array(repeating: alias, count: 10).joined(separator: ", ") + "]\n"
        }
        let error = #expect(throws: RuleError.self) { try StrictYAML.read(yaml, file: "a.yaml") }
        #expect(error?.problem == "too many or too deeply nested values; use fewer aliases")
    }
}
