import Domain
import Foundation
import Testing

@testable import Formats

/// Every mail of the fixtures folder is parsed; the JSON beside it says what must come out. A new finding is a new pair of files.
@Suite struct MailFixtureTests {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/mail")
    static let names: [String] = {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return files.filter { $0.hasSuffix(".eml") }.map { String($0.dropLast(4)) }.sorted()
    }()

    @Test func `the fixtures are there`() { #expect(Self.names.count >= 40) }

    @Test("a mail is read as the file beside it says", arguments: names)
    func reads(name: String) throws {
        let bytes = [UInt8](try Data(contentsOf: Self.folder.appending(path: name + ".eml")))
        let expected = try JSONValue.parse([UInt8](try Data(contentsOf: Self.folder.appending(path: name + ".json"))))
        let mail = try MailParser.parse(bytes)
        guard case .object(let members) = expected else {
            Issue.record("\(name).json is no object")
            return
        }
        for member in members {
            let found = try Self.found(member.name, in: mail)
            #expect(found == member.value, "\(member.name) is \(found.json)")
        }
    }

    private static func found(_ name: String, in mail: ParsedMail) throws -> JSONValue {
        func list(_ texts: [String]) -> JSONValue { .array(texts.map { .string($0) }) }
        func optional(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }
        func people(_ list: [MailAddress]) -> [String] { list.map { $0.name.isEmpty ? $0.address : "\($0.name) <\($0.address)>" } }
        switch name {
        case "subject": return .string(mail.subject)
        case "text": return .string(mail.text)
        case "html": return optional(mail.html)
        case "from": return list(people(mail.from))
        case "to": return list(people(mail.to))
        case "cc": return list(people(mail.cc))
        case "date": return optional(mail.date.map { "\($0)" })
        case "messageID": return optional(mail.messageID)
        case "inReplyTo": return list(mail.inReplyTo)
        case "references": return list(mail.references)
        case "contentType": return .string(mail.contentType)
        case "report": return optional(mail.report?.rawValue)
        case "attachments":
            return list(
                mail.attachments.map {
                    "\($0.name) \($0.type) \($0.bytes.count)" + ($0.isInline ? " inline" : "") + ($0.contentID.map { " \($0)" } ?? "")
                })
        default: throw UnknownKey(name: name)
        }
    }

    private struct UnknownKey: Error { var name: String }
}
