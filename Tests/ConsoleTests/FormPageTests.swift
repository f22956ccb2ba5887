import Domain
import Foundation
import Rules
import Testing

@testable import Console

@Suite struct FormPageTests {
    static let folder = House.root + "/templates/forms"

    @Test func `the forms that come with the program are right`() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: Self.folder).filter { $0.hasSuffix(".yaml") }
        #expect(names.sorted() == ["contact.yaml", "warranty.yaml"])
        for name in names {
            let page = try FormPage.read(try String(contentsOfFile: "\(Self.folder)/\(name)", encoding: .utf8), file: name)
            #expect(page.locales == ["en", "zh-CN"] && page["email"]?.kind == .email)
        }
    }

    @Test(
        "a mistake in a form's file is told with its place and the fix",
        arguments: [
            ("fields: {a: {type: text, label: A}}", "f.yaml:1:1: `title` is missing"),
            ("title: T\nfields: {}", "f.yaml:2:9: a form has fields; write at least one"),
            ("title: T\nfields:\n  a: {type: txt, label: A}", "f.yaml:3:13: `txt` is not a value of `type`; did you mean `text`?"),
            ("title: T\nfields:\n  a: {type: text}", "`label` is missing in `a`; add it"),
            ("title: T\nfields:\n  _a: {type: text, label: A}", "f.yaml:3:3: `_a` cannot name a field"),
            ("title: T\nfields:\n  a: {type: text, label: A, options: [x]}", "f.yaml:3:29: `options` is not a key here"),
            ("title: {en: T, zh-CN: 题}\nfields:\n  a: {type: text, label: {en: A}}", "f.yaml:3:26: `label` has no text in zh-CN; add it"),
            (
                "title: {en: T, zh-CN: 题}\nfields:\n  a: {type: text, label: {en: A, zh_CN: 甲}}",
                "f.yaml:3:34: `zh_CN` is not a key here; did you mean `zh-CN`?"
            ),
            (
                "title: {english: T}\nfields: {a: {type: text, label: A}}",
                "f.yaml:1:9: `english` is no language; write a tag such as en, zh-CN"
            ),
            ("title: T\nfields:\n  a: {type: select, label: A}", "`options` is missing in `a`"),
            ("title: T\nfields:\n  a: {type: select, label: A, options: [x, x]}", "two options are the same"),
            ("title: T\nfields:\n  a: {type: text, label: A, pattern: \"(?<n>x)\"}", "f.yaml:3:38: the pattern `(?<n>x)` cannot be read"),
            (
                "title: T\nfields:\n  a: {type: date, label: A, min: 2026-02-30}",
                "`min` is `2026-02-30`; write a date such as 2026-01-31, or today"
            ),
            ("title: T\nfields:\n  a: {type: number, label: A, min: 5, max: 2}", "`min` is above `max`"),
            ("title: T\nfields:\n  a: {type: file, label: A, accept: [pictures]}", "`pictures` is no kind of file; write image/*"),
            ("title: T\nfields:\n  a: {type: hidden}", "a hidden field has a `value`, or takes it from the address"),
            ("title: T\nfields:\n  a: {type: hidden, value: x}", "nobody sees any of these fields"),
            ("title: T\nframe_ancestors: [shop.example]\nfields: {a: {type: text, label: A}}", "f.yaml:2:19: `shop.example` is no address"),
            (
                "title: T\nframe_ancestors: [\"https://shop.example/x\"]\nfields: {a: {type: text, label: A}}",
                "must be an origin without a path"
            ),
            (
                "title: T\nredirects: [\"https://shop.example\"]\nfields: {a: {type: text, label: A}}",
                "would also allow other hosts that begin so"
            ),
            (
                "title: T\nthanks: Thanks\nredirect: https://x.example/\nfields: {a: {type: text, label: A}}",
                "either `thanks` or `redirect`"
            ),
            ("title: T\nprotect: {puzzle: 40}\nfields: {a: {type: text, label: A}}", "`puzzle` is `40`; write a whole number from 8 to 24"),
            (
                "title: T\nfields:\n  a: {type: text, label: A, as: text}\n  b: {type: text, label: B, as: text}",
                "more than one field is `as: text`"
            ),
            ("title: [T", "f.yaml:2:1: this is not YAML"),
        ])
    func mistakes(text: String, says: String) {
        let error = #expect(throws: RuleError.self) { try FormPage.read(text, file: "f.yaml") }
        #expect(error?.description.contains(says) == true, "\(error?.description ?? "none")")
    }

    @Test(
        "a visitor reads the language that was asked for, or one of theirs, or the first",
        arguments: [
            ("zh-CN", "en", "zh-CN"), ("zh", nil, "zh-CN"), (nil, "zh-TW,zh;q=0.9,en;q=0.5", "zh-CN"), (nil, "en;q=0.4,de;q=0.8", "de"),
            (nil, "fr,es;q=0.5", "en"), ("xx", "de", "de"), (nil, nil, "en"), ("ZH-cn", nil, "zh-CN"), (nil, "*", "en"),
        ])
    func languages(asked: String?, accepted: String?, locale: String) throws {
        let page = try FormPage.read("title: {en: T, zh-CN: 题, de: T}\nfields: {a: {type: text, label: A}}", file: "f.yaml")
        #expect(page.locale(asked: asked, accepted: accepted) == locale)
    }

    @Test func `what a field means is what the file says, else its kind`() throws {
        let page = try FormPage.read(
            "title: T\nfields:\n  a: {type: email, label: A}\n  b: {type: email, label: B, as: email}\n  c: {type: textarea, label: C}\n"
                + "  d: {type: text, label: D, as: subject}", file: "f.yaml")
        #expect(page.meanings == [.email: "b", .subject: "d", .text: "c"])
    }

    // MARK: Answers

    private static let form = """
        title: T
        fields:
          name: {type: text, label: N, required: true, min_length: 2, max_length: 5}
          mail: {type: email, label: M}
          phone: {type: phone, label: P}
          code: {type: text, label: C, pattern: "[a-z]+", pattern_help: small letters}
          one: {type: radio, label: O, options: [a, b]}
          many: {type: checkbox, label: Y, options: [a, b, c]}
          tick: {type: checkbox, label: K}
          day: {type: date, label: D, min: 2020-01-01, max: today}
          count: {type: number, label: Q, min: 1, max: 9, whole: true}
          agree: {type: consent, label: G, required: true}
        """

    private func answer(_ given: [(String, String)]) throws -> FormAnswer {
        let page = try FormPage.read(Self.form, file: "f.yaml")
        let words = try Words(folder: House.root + "/templates/pages")[.en]
        return FormAnswer(
            page, locale: "en", words: words, now: Timestamp(seconds: 1_795_000_000), pairs: given.map { .init(name: $0.0, value: $0.1) },
            files: [], kept: [])
    }

    @Test func `a right answer is kept in the form's order`() throws {
        let answer = try answer([
            ("agree", "yes"), ("many", "c"), ("many", "a"), ("name", " Mei "), ("count", "７"), ("tick", "yes"), ("phone", "＋49 30 123456"),
            ("day", "2026-11-19"), ("junk", "x"),
        ])
        #expect(answer.problems == [])
        #expect(
            answer.fields.map { "\($0.name)=\($0.value)" }
                == ["name=Mei", "phone=+49 30 123456", "many=c, a", "tick=yes", "day=2026-11-19", "count=7", "agree=yes"])
    }

    @Test(
        "a wrong answer is told beside its field",
        arguments: [
            ("name", "", "Please fill this in."), ("name", "x", "Please write at least 2 characters; it has 1."),
            ("name", "abcdef", "Please write at most 5 characters; it has 6."), ("mail", "a@b", "This is no e-mail address"),
            ("mail", "a b@x.example", "This is no e-mail address"), ("phone", "call me", "This is no phone number"),
            ("phone", "12", "no phone number"),
            ("code", "ABC", "small letters"), ("one", "z", "choose one of what is offered"), ("many", "z", "choose one of what is offered"),
            ("day", "2026-02-30", "This is no date"), ("day", "2019-12-31", "Please choose 2020-01-01 or later."),
            ("day", "2031-01-01", "or earlier."), ("count", "0", "Please write 1 or more."), ("count", "10", "Please write 9 or less."),
            ("count", "1.5", "whole number"), ("count", "nan", "no number"), ("agree", "", "Please tick this box to go on."),
        ])
    func wrong(field: String, value: String, says: String) throws {
        let right = [("name", "Mei"), ("agree", "yes")].filter { $0.0 != field }
        let answer = try answer(right + [(field, value)])
        #expect(answer.problems.map(\.field) == [field])
        #expect(answer.problems.first?.text.contains(says) == true, "\(answer.problems)")
    }

    // MARK: Bodies

    @Test func `a body is read alike in whatever pieces it comes`() throws {
        let body =
            "preamble\r\n--b-1\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\none\r\n--b-1\r\n"
            + "Content-Disposition: form-data; name=\"f\"; filename=\"x; y.png\"\r\nContent-Type: image/png\r\n\r\n\r\n--b-\r\n--b-2\r\r\n\r\n--b-1  \r\n"
            + "Content-Disposition: form-data; name=\"e\"; filename=\"\"\r\n\r\n\r\n--b-1--\r\nepilogue"
        func events(_ size: Int) throws -> [FormMultipart.Event] {
            var reader = try FormMultipart(boundary: "b-1")
            var found: [FormMultipart.Event] = []
            var bytes: [UInt8] = []
            let all = Array(body.utf8)
            for start in stride(from: 0, to: all.count, by: size) {
                for event in try reader.feed(Array(all[start..<min(start + size, all.count)])) {
                    if case .bytes(let piece) = event {
                        bytes += piece
                    } else {
                        if !bytes.isEmpty { found.append(.bytes(bytes)) }
                        bytes = []
                        found.append(event)
                    }
                }
            }
            try reader.finish()
            return found
        }
        let whole = try events(body.utf8.count)
        #expect(
            whole == [
                .part(.init(name: "a", fileName: nil, type: nil)), .bytes(Array("one".utf8)), .end,
                .part(.init(name: "f", fileName: "x; y.png", type: "image/png")), .bytes(Array("\r\n--b-\r\n--b-2\r\r\n".utf8)), .end,
                .part(.init(name: "e", fileName: "", type: nil)), .end,
            ])
        for size in [1, 2, 3, 7, 50] { #expect(try events(size) == whole, "pieces of \(size)") }
    }

    @Test func `a body that breaks off is not taken for whole`() throws {
        for body in ["", "--b\r\n", "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\none\r\n--b\r\n", "nothing at all"] {
            var reader = try FormMultipart(boundary: "b")
            _ = try reader.feed(Array(body.utf8))
            #expect(throws: FormMultipart.Mistake.unreadable) { try reader.finish() }
        }
        var endless = try FormMultipart(boundary: "b")
        _ = try endless.feed(Array("--b\r\n".utf8))
        #expect(throws: FormMultipart.Mistake.tooLong) {
            for _ in 0..<100 { _ = try endless.feed([UInt8](repeating: 0x61, count: 1000)) }
        }
        #expect(throws: FormMultipart.Mistake.unreadable) { try FormMultipart(boundary: "") }
    }

    @Test(
        "a file must be what it says",
        arguments: [
            ("a.png", "image/png", "\u{89}PNG", true), ("a.png", "image/png", "%PDF-1.7", true), ("a.png", "image/png", "MZ", false),
            ("a.exe", "application/x-msdownload", "MZ", false), ("a.txt", "text/plain", "hello", false),
            ("a.docx", "", "PK\u{3}\u{4}", true),
            ("a.docx", "", "MZ", false),
        ])
    func kinds(name: String, type: String, beginning: String, isTaken: Bool) throws {
        let page = try FormPage.read(
            "title: T\nfields: {f: {type: file, label: F, accept: [image/*, application/pdf, .docx]}}", file: "f.yaml")
        var bytes = beginning.unicodeScalars.map { UInt8($0.value) }
        if beginning == "\u{89}PNG" { bytes += [0x0D, 0x0A, 0x1A, 0x0A] }
        bytes += [UInt8](repeating: 0, count: 100)
        let file = ReceivedFile(field: "f", name: name, type: type)
        #expect(FormUpload.accepts(try #require(page["f"]), file, bytes) == isTaken)
    }

    @Test func `a network is the first part of an address`() {
        #expect(network(of: "192.0.2.77") == "192.0.2" && network(of: "2001:db8:1:2::9") == network(of: "2001:db8:1:ffff::1"))
        #expect(network(of: "2001:db8:2::1") != network(of: "2001:db8:1::1") && network(of: "?") == "?")
    }
}
