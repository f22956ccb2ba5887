import Domain
import Foundation
import Store
import Testing

@testable import Daemon

@Suite struct CampaignTests {
    /// A configuration, a letter in two languages and a list, in a folder of their own.
    private func with<T>(_ people: String, _ body: (_ folder: String, _ order: CampaignOrder) async throws -> T) async throws -> T {
        let folder = NSTemporaryDirectory() + "hongyan-campaign-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder + "/letter", withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let files = [
            "hongyan.yaml":
                "database: sqlite://\(folder)/h.sqlite3\ndata: \(folder)/data\nsenders:\n  out: {kind: folder, path: out, from: a@b.example}\n",
            "letter/10-sale.md": "---\nsubject: Hello {{first_name}}\n---\nA sale in {{city}}.\n",
            "letter/10-sale.zh.md": "---\nsubject: 你好\n---\n{{city}}打折。\n", "people.csv": people,
        ]
        for (name, text) in files { try Data(text.utf8).write(to: URL(filePath: "\(folder)/\(name)")) }
        let order = CampaignOrder(
            name: "sale-1", letter: folder + "/letter", people: folder + "/people.csv", purpose: "marketing", topic: "news", sender: nil,
            column: nil, isRehearsal: false)
        return try await body(folder, order)
    }

    @Test(.timeLimit(.minutes(10))) func `each person of a list gets one row, however often the command runs`() async throws {
        let people =
            "email,name,lang,city\nAna@example.com,Ana Lopez,en,Lima\nli@example.com,李雷,zh,北京\n,Nobody,en,Rome\nana@example.com,Twice,en,Oslo\n"
        try await with(people) { folder, order in
            let config = folder + "/hongyan.yaml"
            let first = try await Operations.campaign(order, configuration: config)
            #expect(first.hasPrefix("Campaign sale-1: 2 mails planned, 1 were there before, 1 rows without an address."))
            let again = try await Operations.campaign(order, configuration: config)
            #expect(again.hasPrefix("Campaign sale-1: 0 mails planned, 3 were there before, 1 rows without an address."))
            try await Operations.withStore(config) { store in
                let rows = try await store.read { transaction in
                    (
                        try transaction.sends.get(key: "campaign/sale-1/ana@example.com"),
                        try transaction.sends.get(key: "campaign/sale-1/li@example.com"), try transaction.customers.count()
                    )
                }
                let (ana, li) = (try #require(rows.0), try #require(rows.1))
                #expect(rows.2 == 2)
                #expect(ana.subject == "Hello {{first_name}}" && ana.vars["first_name"] == "Ana" && ana.vars["city"] == "Lima")
                #expect(ana.purpose == .marketing && ana.topic == "news" && ana.customer != nil && ana.state == .planned)
                #expect(li.subject == "你好" && li.locale == "zh")
            }
        }
    }

    @Test(.timeLimit(.minutes(10))) func `a rehearsal counts and writes nothing`() async throws {
        try await with("email,city\na@example.com,Lima\nb@example.com,Oslo\n") { folder, order in
            var rehearsal = order
            rehearsal.isRehearsal = true
            let text = try await Operations.campaign(rehearsal, configuration: folder + "/hongyan.yaml")
            #expect(text.hasPrefix("Campaign sale-1: 2 mails would be planned"))
            try await Operations.withStore(folder + "/hongyan.yaml") { store in
                let counts = try await store.read { try $0.sends.counts() }
                #expect(counts.isEmpty)
            }
        }
    }

    @Test(.timeLimit(.minutes(10))) func `a list without addresses is refused with its columns`() async throws {
        try await with("who,city\nAna,Lima\n") { folder, order in
            let error = await #expect(throws: CommandError.self) {
                try await Operations.campaign(order, configuration: folder + "/hongyan.yaml")
            }
            #expect(error?.description == "no column holds addresses (who, city); name one `email`, or write --column")
        }
    }
}
