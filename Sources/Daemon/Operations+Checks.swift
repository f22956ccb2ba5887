import Channels
import Console
import Domain
import FoundationEssentials
import Insight
import Journeys
import Rules
import Store

extension Operations {
    /// Reads everything the daemon would read, and says what it found. Throws the first thing that is wrong, with its place and the fix.
    public static func check(configuration: String) async throws -> String {
        let settings = try Settings.load(configuration)
        let parts = try Parts.load(settings)
        var lines = ["\(configuration) is in order."]
        lines.append("  templates  \(parts.share.path)")
        lines.append(
            "  accounts   \(listed(settings.accounts.map { "\($0.name) (\($0.kind.rawValue))" }))"
        )
        lines.append(
            "  senders    \(listed(settings.senders.map { "\($0.name) (\($0.kind.rawValue))" }))"
        )
        lines.append("  forms      \(settings.forms.isEmpty ? "none" : settings.forms.map { "/forms/\($0.name)" }.joined(separator: ", "))")
        for form in settings.forms {
            guard let page = settings.formPages[form.name] else { continue }
            lines.append("             \(form.name): \(page.fields.count) fields in \(page.locales.joined(separator: ", "))")
        }
        for account in settings.accounts where account.channel.flatMap({ settings.channels[$0.name] })?.push != nil {
            lines.append("  pushed to  \(settings.publicURL)/hooks/\(account.name)")
        }
        for account in settings.accounts where !account.mailForms.isEmpty {
            lines.append("  mailforms  \(account.name): \(account.mailForms.map(\.name).joined(separator: ", "))")
        }
        lines.append("  journeys   \(parts.journeys.isEmpty ? "none" : parts.journeys.map(\.name).joined(separator: ", "))")
        lines.append("  rules      \(parts.rules.rules.count)")
        lines.append("  models     \(parts.scorer.modelNames.joined(separator: ", "))")
        for account in settings.accounts where account.tls.allowPlain {
            lines.append("  note: account \(account.name) may talk without encryption (plain: true); use that on this machine only")
        }
        for sender in settings.senders where sender.tls.allowPlain {
            lines.append("  note: sender \(sender.name) may talk without encryption (plain: true); use that on this machine only")
        }
        for sender in settings.senders where !sender.dkim.isEmpty {
            guard let domain = DKIMPlace.domain(of: sender.from), !sender.dkim.contains(where: { isAligned($0.domain, domain) }) else {
                continue
            }
            let signing = sender.dkim.map(\.domain).joined(separator: ", ")
            lines.append(
                "  note: sender \(sender.name) signs for \(signing) and writes as \(domain): DMARC does not count such a signature")
        }
        return lines.joined(separator: "\n")
    }

    private static func listed(_ names: [String]) -> String { names.isEmpty ? "none" : names.joined(separator: ", ") }

    public static func train(kit: String, into: String, onlyOpen: Bool) async throws -> String {
        let report = try Training.run(kit: kit, into: into, onlyOpen: onlyOpen) { Daemon.complain($0) }
        return "\(report)"
    }

    public static func evaluate(kit: String, models: String?) async throws -> String {
        let results = try Evaluation.run(kit: kit, models: try models ?? Share.find(configured: nil).path("models"))
        return Evaluation.table(results)
    }

    public static func score(_ texts: [String], models: String?) async throws {
        let scorer = try Scorer(models: try models ?? Share.find(configured: nil).path("models"))
        func show(_ text: String) {
            let (language, mood) = scorer.score(text)
            let words = mood?.words.map { "\($0.text) \(($0.weight * 100).rounded() / 100)" }.joined(separator: ", ") ?? ""
            let score =
                mood.map { "\(($0.score * 100).rounded() / 100) \($0.label.rawValue) (\(($0.confidence * 100).rounded()) %)" } ?? "no score"
            print("\(language ?? "?")  \(score)  \(text.prefix(60))  [\(words)]")
        }
        if texts.isEmpty {
            while let line = readLine() { show(line) }
        } else {
            texts.forEach(show)
        }
    }
}
