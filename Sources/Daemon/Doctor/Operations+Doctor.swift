import Delivery
import Domain
import FoundationEssentials
import Formats
import Transport

extension Operations {
    /// Whether receivers will take mail from a domain, by what DNS says about it.
    /// - Parameters:
    ///   - addresses: those that mail leaves from, in text.
    ///   - server: a name server to ask instead of the machine's own, such as `9.9.9.9` or `127.0.0.1:5353`.
    ///   - language: of the report; `LANG` decides when nil.
    /// - Returns: the report, and whether nothing is wrong.
    public static func doctorMail(
        _ domain: String, addresses: [String], server: String?, configuration: String?, language: String? = nil
    ) async throws -> (text: String, isSound: Bool) {
        guard let name = MailDomain.ascii(domain), name.contains(".") else {
            throw CommandError("`\(domain)` is no domain; write the one behind the @ of your senders, such as example.com")
        }
        let machines = try addresses.map { text in
            guard let address = IPAddress(text) else { throw CommandError("`\(text)` is no IP address") }
            return address
        }
        let servers = try server.map { text in
            guard let server = DNSServer(text) else { throw CommandError("`\(text)` is no name server; write an address, such as 9.9.9.9") }
            return [server]
        }
        let senders = try configuration.map { try Settings.load($0) }?.senders ?? []
        let mine = senders.filter { sender in
            sender.dkim.contains { isAligned($0.domain, name) } || DKIMPlace.domain(of: sender.from) == name
        }
        let keys = try mine.flatMap(\.dkim).filter { isAligned($0.domain, name) }.map { identity in
            let key = try DKIMKey(identity)
            return (name: key.recordName, record: key.record, publicKey: key.publicKey)
        }
        let loop = TransferLoop(logger: quiet)
        let resolver = DNSResolver(loop: loop, servers: servers ?? [])
        let facts = await MailFacts.gather(name, keys: keys, addresses: machines, resolver: resolver, loop: loop)
        await loop.shutdown()
        let relays = mine.filter { $0.kind == .smtp }.compactMap { DKIMPlace.host(of: $0.url) }
        let findings = MailDoctor(facts, relays: relays).findings
        let tongue = language ?? DKIMPlace.language(ProcessInfo.processInfo.environment)
        return (DoctorReport.text(findings, domain: name, isChinese: tongue.hasPrefix("zh")), !findings.contains { $0.level == .wrong })
    }

    /// The signing domain is the domain or stands above it (RFC 7489 §3.1.1, relaxed).
    static func isAligned(_ signing: String, _ domain: String) -> Bool { signing == domain || domain.hasSuffix(".\(signing)") }
}

/// Small readings of addresses for the doctor.
enum DKIMPlace {
    static func domain(of from: String) -> String? {
        MailAddress.list(from).first.flatMap { $0.address.split(separator: "@").last }.flatMap { MailDomain.ascii(String($0)) }
    }

    /// The host of `smtps://host:465`, unless it is an address or this machine.
    static func host(of url: String) -> String? {
        guard let start = url.firstRange(of: "://") else { return nil }
        let host = url[start.upperBound...].prefix { $0 != ":" && $0 != "/" }
        guard IPAddress(String(host)) == nil, host != "localhost" else { return nil }
        return MailDomain.ascii(String(host))
    }

    /// POSIX: LC_ALL, else LC_MESSAGES, else LANG.
    static func language(_ environment: [String: String]) -> String {
        ["LC_ALL", "LC_MESSAGES", "LANG"].lazy.compactMap { environment[$0] }.first { !$0.isEmpty } ?? "en"
    }
}

/// The findings as lines for a terminal: what is right, what could be better, what is wrong with the record to publish.
enum DoctorReport {
    static func text(_ findings: [MailDoctor.Finding], domain: String, isChinese: Bool) -> String {
        var lines = [isChinese ? "\(domain) 的发信检查" : "Mail from \(domain)", ""]
        for finding in findings {
            let mark = [MailDoctor.Level.good: "  ok    ", .hint: "  hint  ", .wrong: "  WRONG "][finding.level] ?? ""
            lines.append("\(mark)\(finding.topic): \(isChinese ? finding.chinese : finding.english)")
            guard let publish = finding.publish else { continue }
            lines.append(isChinese ? "          发布此记录：" : "          Publish:")
            if publish.type == "TXT" {
                lines += Operations.zoneLine(publish.name, publish.value).split(separator: "\n").map { "          \($0)" }
            } else {
                lines.append("          \(publish.name). IN \(publish.type) \(publish.value)")
            }
        }
        let wrong = findings.filter { $0.level == .wrong }.count
        lines.append("")
        if isChinese {
            lines.append(wrong == 0 ? "没有发现错误。" : "有 \(wrong) 处错误。")
        } else {
            lines.append(wrong == 0 ? "Nothing is wrong." : "\(wrong) thing\(wrong == 1 ? " is" : "s are") wrong.")
        }
        return lines.joined(separator: "\n")
    }
}
