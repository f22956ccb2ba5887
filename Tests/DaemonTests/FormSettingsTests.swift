import Console
import Domain
import Foundation
import Rules
import Testing

@testable import Daemon

@Suite struct FormSettingsTests {
    private static func decode(_ forms: String, folder: String = "") throws -> Settings {
        try Settings.decode(
            "share: \(ChannelSettingsTests.root)\nforms:\n  claim: \(forms)\n", file: "\(folder)hongyan.yaml", environment: [:])
    }

    @Test func `a form takes its page from the program's own, or from a file beside the configuration`() throws {
        let ours = try Self.decode("{page: warranty, queue: Repairs}")
        #expect(ours.forms.map(\.queue) == ["Repairs"] && ours.formPages["claim"]?.fields.count == 12)
        let folder = FileManager.default.temporaryDirectory.appending(path: "hongyan-forms-\(UUID().uuidString)").path + "/"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Data("title: T\nfields: {a: {type: text, label: A}}".utf8).write(to: URL(filePath: folder + "claim.yaml"))
        #expect(try Self.decode("{page: claim.yaml}", folder: folder).formPages["claim"]?.fields.map(\.name) == ["a"])
        try Data("title: T\nfields: {a: {type: txt, label: A}}".utf8).write(to: URL(filePath: folder + "claim.yaml"))
        let error = #expect(throws: RuleError.self) { try Self.decode("{page: claim.yaml}", folder: folder) }
        #expect(error?.description.hasPrefix("\(folder)claim.yaml:2:20: `txt` is not a value") == true, "\(error?.description ?? "")")
    }

    @Test(
        "a page that is not there is told with the nearest",
        arguments: [
            ("{page: waranty}", "did you mean `warranty`?"), ("{page: forms/none.yaml}", "cannot read forms/none.yaml"),
            ("{page: warranty, title: T}", "the title stands in warranty, in each of its languages; remove it here"),
        ])
    func mistakes(form: String, says: String) {
        let error = #expect(throws: RuleError.self) { try Self.decode(form) }
        #expect(error?.description.contains(says) == true, "\(error?.description ?? "")")
    }
}
