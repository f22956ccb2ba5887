import Domain
import Foundation
import Rules
import Testing

@testable import Journeys

@Suite struct JourneyFolderTests {
    static let settings = "purpose: marketing\ntopic: tips\nenter: {event: customer.created}\n"
    static let hello = "---\nsubject: Welcome\n---\nHello {{first_name}}\n"

    /// Writes a journey into a folder of its own; paths in errors begin with `welcome`.
    static func withFolder<T>(_ files: [String: String], _ body: (String) throws -> T) throws -> T {
        let root = NSTemporaryDirectory() + "hongyan-journey-\(UUID().uuidString)"
        let folder = root + "/welcome"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: root) }
        for (name, text) in files {
            let path = "\(folder)/\(name)"
            try FileManager.default.createDirectory(atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
            try Data(text.utf8).write(to: URL(filePath: path))
        }
        return try body(folder)
    }

    @Test("a folder is read with its steps in the order of their numbers")
    func reads() throws {
        let files = [
            "journey.yaml": Self.settings + "sender: care\nreply: new\n",
            "9-first.md": Self.hello,
            "10-next.md": "---\nsubject: \"Still there?\"\nafter: 3d\n---\nBye\n",
            "10-next.zh.md": "---\nsubject: 还在吗\n---\n再见\n",
            "samples/ann.json": "{}", ".hidden": "x", "9-first.md~": "x",
        ]
        try Self.withFolder(files) { folder in
            let journey = try JourneyFolder.load(folder)
            #expect(journey.name == "welcome")
            #expect(journey.purpose == .marketing)
            #expect(journey.topic == "tips")
            #expect(journey.enters == .customerCreated)
            #expect(journey.sender == "care")
            #expect(!journey.answersJoinTicket)
            #expect(journey.steps.map(\.name) == ["9-first", "10-next"])
            #expect(journey.steps.map(\.after) == [.zero, .seconds(259_200)])
            #expect(journey.steps[0].text == JourneyText(subject: "Welcome", body: "Hello {{first_name}}\n"))
            #expect(journey.steps[1].translations["zh"] == JourneyText(subject: "还在吗", body: "再见\n"))
        }
    }

    @Test("the version is the content's: any change gives another one, the place of the folder does not")
    func version() throws {
        func version(_ files: [String: String]) throws -> String { try Self.withFolder(files) { try JourneyFolder.load($0).version } }
        let files = ["journey.yaml": Self.settings, "10-hello.md": Self.hello]
        let first = try version(files)
        #expect(first.utf8.count == 16)
        #expect(try version(files) == first)
        #expect(try version(files.merging(["10-hello.md": Self.hello + " "]) { $1 }) != first)
        #expect(try version(["journey.yaml": Self.settings, "11-hello.md": Self.hello]) != first)
    }

    @Test(
        "a reader gets their language, its main one, or the default file",
        arguments: [
            ("zh", "zh", "zh"), ("zh-Hans-CN", "zh", "zh"), ("zh-Hant", "zh-hant", "zh-hant"), ("en", "default", "en"),
            ("fr", "default", "en"),
            (nil, "default", "en"),
        ] as [(String?, String, String)])
    func languages(asked: String?, subject: String, locale: String) throws {
        func file(_ subject: String) -> String { "---\nsubject: \(subject)\n---\nx\n" }
        let files = [
            "journey.yaml": Self.settings, "10-a.md": file("default"), "10-a.zh.md": file("zh"), "10-a.zh-Hant.md": file("zh-hant"),
        ]
        try Self.withFolder(files) { folder in
            let journey = try JourneyFolder.load(folder)
            let (text, got) = journey.steps[0].text(for: asked, default: journey.locale)
            #expect(text.subject == subject)
            #expect(got == locale)
        }
    }

    struct Bad: Sendable, CustomTestStringConvertible {
        var files: [String: String] = [:]
        let says: String
        var testDescription: String { says }
    }

    @Test(
        "what is wrong is named with its place and the way out",
        arguments: [
            Bad(files: ["journey.yaml": ""], says: "welcome/journey.yaml:1:1: `purpose` is missing; add it"),
            Bad(
                files: ["journey.yaml": "purpose: marketng\n"],
                says: "welcome/journey.yaml:1:10: `marketng` is not a value of `purpose`; did you mean `marketing`?"),
            Bad(
                files: ["journey.yaml": "purpose: marketing\nenter: {event: customer.created}\n"],
                says: "welcome/journey.yaml:1:1: `topic` is missing; marketing mail needs one, it is what people unsubscribe from"),
            Bad(
                files: ["journey.yaml": settings + "topc: x\n"],
                says: "welcome/journey.yaml:4:1: `topc` is not a key here; did you mean `topic`?"),
            Bad(files: ["journey.yaml": settings + "goal: x\n"], says: "welcome/journey.yaml:4:1: `goal` is not supported yet; remove it"),
            Bad(
                files: ["journey.yaml": "purpose: service\nenter: {event: customer.created, if: x}\n"],
                says: "welcome/journey.yaml:2:34: `if` is not supported yet; remove it (everybody enters once)"),
            Bad(
                files: ["journey.yaml": "purpose: service\nenter: {event: customer.creatd}\n"],
                says:
                    "welcome/journey.yaml:2:16: `customer.creatd` is not an event that a journey can begin with; did you mean `customer.created`?"
            ),
            Bad(
                files: ["10-hello.md": "Hello"],
                says: "welcome/10-hello.md:1:1: the front matter is missing; begin the file with ---, subject: …, ---"),
            Bad(
                files: ["10-hello.md": "---\nafter: 3d\n---\nHello"],
                says: "welcome/10-hello.md:1:1: `subject` is missing in the front matter; add it"),
            Bad(
                files: ["10-hello.md": "---\nsubject: x\nafter: 3 days\n---\nHello"],
                says: "welcome/10-hello.md:3:8: `after` is `3 days`; write a number and a unit: 30s, 5m, 2h or 3d"),
            Bad(
                files: ["10-hello.md": "---\nsubject: x\naftr: 3d\n---\nHello"],
                says: "welcome/10-hello.md:3:1: `aftr` is not a key here; did you mean `after`?"),
            Bad(
                files: ["10-hello.md": "---\nsubject: x\n---\n \n"],
                says: "welcome/10-hello.md:3:1: the mail has no words; write them below the second ---"),
            Bad(
                files: ["10-hello.zh.md": "---\nsubject: x\nafter: 1d\n---\nHello"],
                says: "welcome/10-hello.zh.md:3:8: `after` belongs into 10-hello.md; languages do not differ in time"),
            Bad(
                files: ["20-more.zh.md": hello],
                says: "welcome/20-more.zh.md:1:1: 20-more.md is missing; it is what readers of every other language get"),
            Bad(
                files: ["10-again.md": hello],
                says: "welcome/10-hello.md:1:1: 10-again.md has the same number; the number is the order, so change one"),
            Bad(
                files: ["notes.txt": "x"],
                says:
                    "welcome/notes.txt:1:1: notes.txt is no part of a journey; name a step 10-hello.md or 10-hello.zh.md, or move the file away"
            ),
            Bad(
                files: ["10-hello.md": "---\nsubject: Hi {{fist_name}}\n---\nx"],
                says: "welcome/10-hello.md:2:13: `fist_name` is not known here; did you mean `first_name`?"),
            Bad(
                files: ["10-hello.md": "---\nsubject: x\n---\nHello\nto {{#tickt}}you{{/tickt}}"],
                says: "welcome/10-hello.md:5:4: `tickt` is not known here; did you mean `ticket`?"),
            Bad(
                files: ["10-hello.md": "---\nsubject: x\n---\nHello {{city}}"],
                says: "welcome/10-hello.md:4:7: `city` is not known here; use first_name, name, email, ticket, order or order_total"),
            Bad(
                files: ["10-hello.md": "---\nsubject: x\n---\nHello {{name"],
                says: "welcome/10-hello.md:4:7: this {{ is not closed; write }} after the name"),
            Bad(files: ["more/10-x.md": hello], says: "welcome/more:1:1: a journey has no folders but samples; move this one away"),
        ])
    func rejects(_ bad: Bad) throws {
        let files = ["journey.yaml": Self.settings, "10-hello.md": Self.hello].merging(bad.files) { $1 }
        try Self.withFolder(files) { folder in
            let root = folder.dropLast("welcome".count)
            let says = JourneyFolder.check(folder).map { $0.description.replacing(root, with: "") }
            #expect(says == [bad.says])
            let error = #expect(throws: RuleError.self) { try JourneyFolder.load(folder) }
            #expect(error?.description == String(root) + bad.says)
        }
    }

    @Test("a folder without steps, without settings or without itself is refused")
    func incomplete() throws {
        try Self.withFolder(["journey.yaml": Self.settings]) { folder in
            #expect(JourneyFolder.check(folder).map(\.problem) == ["there is no step; write one as 10-hello.md"])
            #expect(
                JourneyFolder.check(folder + "/none").map(\.problem) == ["there is no folder here; create it or correct the journey's name"]
            )
        }
        try Self.withFolder(["10-hello.md": Self.hello]) { folder in
            #expect(JourneyFolder.check(folder).map(\.problem) == ["journey.yaml is missing; write purpose, topic and enter into it"])
        }
    }

    @Test("every journey we ship can be loaded, and speaks English and Chinese")
    func shipped() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "templates/journeys").path
        let journeys = try JourneyFolder.loadAll(root)
        #expect(journeys.contains { $0.name == "welcome" })
        for journey in journeys {
            for step in journey.steps { #expect(step.translations["zh"] != nil, "\(journey.name)/\(step.name)") }
        }
    }

    @Test(
        "a customer is called by what looks like a name",
        arguments: [
            ("Ada Lovelace", "en", "Ada"), ("Lovelace, Ada", "en", "Ada"), ("Dr. Ada Lovelace", "en", "Ada"), ("王小明", "zh", "王小明"),
            ("\"Ann\" Lee", "en", "Ann"), ("Zoë", "en", "Zoë"), ("O'Brien", "en", "O'Brien"), ("", "en", "there"), ("", "zh", "朋友"),
            ("ann@example.com", "en", "there"), ("http://evil.example", "en", "there"), ("Buy evil.example", "en", "there"),
            ("+4930123", "en", "there"), ("@ann", "zh", "朋友"), (String(repeating: "a", count: 41), "en", "there"),
            ("Win $$$", "en", "there"),
        ])
    func firstNames(name: String, locale: String, expected: String) { #expect(Greeting.firstName(of: name, locale: locale) == expected) }
}
