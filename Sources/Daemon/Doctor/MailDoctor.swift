import Formats
import FoundationEssentials
import Transport

/// Judges what DNS says about a domain that sends mail: what is right, what is wrong, and the exact record to publish. Pure.
struct MailDoctor {
    enum Level: Int, Sendable, Comparable {
        case good, hint, wrong
        static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
    }

    struct Publish: Sendable, Hashable {
        var name: String
        var type = "TXT"
        var value: String
    }

    struct Finding: Sendable, Hashable {
        var level: Level
        var topic: String
        var english: String
        var chinese: String
        var publish: Publish?
    }

    let facts: MailFacts
    /// Host names of the servers that the settings hand mail to; they may be named in SPF.
    var relays: [String] = []
    private(set) var findings: [Finding] = []

    init(_ facts: MailFacts, relays: [String] = []) {
        self.facts = facts
        self.relays = relays
        spf()
        dkim()
        dmarc()
        addresses()
        mailServers()
        transport()
    }

    private mutating func say(_ level: Level, _ topic: String, _ english: String, _ chinese: String, publish: Publish? = nil) {
        findings.append(Finding(level: level, topic: topic, english: english, chinese: chinese, publish: publish))
    }

    private mutating func unanswered(_ topic: String, _ failure: DNSFailure) {
        say(.hint, topic, "could not be asked: \(failure). Try again.", "无法查询：\(failure)。请稍后重试。")
    }

    // MARK: SPF

    private var suggestedSPF: Publish {
        let networks = facts.addresses.map { ($0.address.isIPv6 ? "ip6:" : "ip4:") + $0.address.description }
        let who = networks.isEmpty ? relays.map { "a:\($0)" } : networks
        return Publish(name: facts.domain, value: (["v=spf1"] + (who.isEmpty ? ["mx"] : who) + ["~all"]).joined(separator: " "))
    }

    private mutating func spf() {
        if case .failed(let failure) = facts.spf { return unanswered("SPF", failure) }
        let texts = facts.spf.records.filter(SPFRecord.isMeant)
        guard let text = texts.first else {
            return say(
                .wrong, "SPF", "there is no record; large receivers refuse mail without one.", "没有记录；大型邮箱会拒收没有 SPF 的邮件。",
                publish: suggestedSPF)
        }
        switch facts.spfLookups {
        case .broken(let problem): return broken(problem, text)
        case .unknown(let why): say(.hint, "SPF", "cannot be followed to its end: \(why)", "无法完整检查：\(why)")
        case .none, .result: break
        }
        guard let record = try? SPFRecord(text) else { return }
        if let open = record.terms.first(where: { $0.mechanism == .all }), open.result == .pass {
            say(
                .wrong, "SPF", "“+all” lets everybody send in your name; end it with ~all.", "“+all” 允许任何人以您的名义发信，请改为 ~all。",
                publish: closed(text))
        } else if !record.terms.contains(where: { $0.mechanism == .all }), record.redirect == nil {
            say(
                .hint, "SPF", "it does not say what to do with other servers; end it with ~all.", "没有说明如何对待其他服务器，请以 ~all 结尾。",
                publish: closed(text))
        } else {
            var count = ""
            if case .result(_, let lookups) = facts.spfLookups { count = " (\(lookups)/\(SPFCheck.lookupsMax))" }
            say(.good, "SPF", "\(text)\(count)", "\(text)\(count)")
        }
        if record.terms.contains(where: { if case .ptr = $0.mechanism { true } else { false } }) {
            say(
                .hint, "SPF", "“ptr” is slow and must not be used any more (RFC 7208 §5.5); name addresses instead.",
                "“ptr” 已不应再使用（RFC 7208 §5.5），请改写 IP 地址。")
        }
    }

    /// The same record with a proper end.
    private func closed(_ text: String) -> Publish {
        let words = text.split(separator: " ").filter { !["all", "+all", "?all"].contains($0.lowercased()) }
        return Publish(name: facts.domain, value: (words + ["~all"]).joined(separator: " "))
    }

    private mutating func broken(_ problem: SPFCheck.Problem, _ text: String) {
        switch problem {
        case .severalRecords(let domain):
            say(
                .wrong, "SPF", "\(domain) has several records, so that none counts; make one of them.", "\(domain) 有多条记录，全部无效；请合并为一条。",
                publish: domain == facts.domain ? merged : nil)
        case .mistake(let term, let domain):
            say(.wrong, "SPF", "“\(term)” in the record of \(domain) is no term of SPF.", "\(domain) 的记录中 “\(term)” 不是有效的 SPF 写法。")
        case .lookups:
            say(
                .wrong, "SPF",
                "it costs more than \(SPFCheck.lookupsMax) questions to DNS, so that receivers give up: \(text). Name addresses instead.",
                "查询次数超过 \(SPFCheck.lookupsMax) 次，收件方会放弃：\(text)。请减少 include，改写 IP 地址。")
        case .missing(let name):
            say(.wrong, "SPF", "it refers to \(name), which has no record; take it out.", "它引用了没有 SPF 记录的 \(name)，请删去。")
        }
    }

    private var merged: Publish {
        var seen: Set<Substring> = []
        let words = facts.spf.records.filter(SPFRecord.isMeant).flatMap { $0.split(separator: " ") }
            .filter { !$0.lowercased().hasSuffix("all") && $0.lowercased() != "v=spf1" && seen.insert($0).inserted }
        return Publish(name: facts.domain, value: (["v=spf1"] + words.map(String.init) + ["~all"]).joined(separator: " "))
    }

    // MARK: DKIM

    private mutating func dkim() {
        if facts.keys.isEmpty {
            let command = "hongyan dkim new \(facts.domain) hy1"
            return say(.wrong, "DKIM", "no sender signs for this domain. Make a key: \(command)", "没有发信账户为此域名签名。请生成密钥：\(command)")
        }
        for key in facts.keys {
            let publish = Publish(name: key.name, value: key.record)
            if case .failed(let failure) = key.found {
                unanswered("DKIM \(key.name)", failure)
                continue
            }
            let records = key.found.records.compactMap { DKIMRecord($0) }
            guard let record = records.first else {
                say(.wrong, "DKIM", "\(key.name) has no record: every signature fails.", "\(key.name) 没有记录，所有签名都会失败。", publish: publish)
                continue
            }
            if records.count > 1 {
                say(.wrong, "DKIM", "\(key.name) has several records; keep one.", "\(key.name) 有多条记录，请只保留一条。", publish: publish)
            } else if record.publicKey.isEmpty {
                say(.wrong, "DKIM", "\(key.name) says that the key is withdrawn.", "\(key.name) 声明此密钥已作废。", publish: publish)
            } else if record.publicKey != key.publicKey {
                say(
                    .wrong, "DKIM", "\(key.name) shows another key than the one we sign with.", "\(key.name) 公布的密钥与实际签名的密钥不同。",
                    publish: publish)
            } else if !record.takesSHA256 {
                say(.wrong, "DKIM", "\(key.name) forbids sha256 by its h= tag.", "\(key.name) 的 h= 不允许 sha256。", publish: publish)
            } else if record.isTest {
                say(
                    .hint, "DKIM", "\(key.name) is marked as a test (t=y): receivers ignore its signatures.",
                    "\(key.name) 标为测试（t=y），收件方会忽略签名。", publish: publish)
            } else {
                say(
                    .good, "DKIM", "\(key.name) shows the key we sign with (\(record.keyType)).", "\(key.name) 与我们的密钥一致（\(record.keyType)）。"
                )
            }
        }
    }

    // MARK: DMARC

    private mutating func dmarc() {
        if case .failed(let failure) = facts.dmarc { return unanswered("DMARC", failure) }
        let meant = facts.dmarc.records.filter(DMARCRecord.isMeant)
        let first = Publish(name: facts.dmarcName, value: "v=DMARC1; p=none; rua=mailto:postmaster@\(facts.domain)")
        guard let text = meant.first else {
            return say(.wrong, "DMARC", "there is no record; Gmail and Yahoo ask for one.", "没有记录；Gmail、Yahoo 等要求必须有。", publish: first)
        }
        guard meant.count == 1 else {
            return say(.wrong, "DMARC", "there are several records, so that none counts; keep one.", "有多条记录，全部无效；请只保留一条。", publish: first)
        }
        guard let record = DMARCRecord(text) else {
            return say(.wrong, "DMARC", "receivers cannot read “\(text)”.", "收件方无法识别 “\(text)”。", publish: first)
        }
        let isInherited = facts.dmarcName != "_dmarc.\(facts.domain)"
        let policy = isInherited ? record.subdomainPolicy ?? record.policy : record.policy
        say(.good, "DMARC", "\(facts.dmarcName): \(text)", "\(facts.dmarcName)：\(text)")
        if policy == .none {
            say(
                .hint, "DMARC", "p=none only watches. When the reports show that all your mail passes, go on to p=quarantine.",
                "p=none 只观察不处理。确认报告中您的邮件都通过后，可改为 p=quarantine。")
        }
        if record.reports.isEmpty {
            say(
                .hint, "DMARC", "nobody gets the reports; add rua=mailto:postmaster@\(facts.domain)",
                "没有人接收报告；请加上 rua=mailto:postmaster@\(facts.domain)")
        }
    }

    // MARK: The machines

    private mutating func addresses() {
        if facts.addresses.isEmpty {
            say(
                .hint, "PTR", "give the addresses that mail leaves from with --ip to have their names and SPF checked.",
                "用 --ip 给出发信 IP，即可检查反向解析和 SPF。")
        }
        for address in facts.addresses {
            let text = address.address.description
            if let name = address.confirmed {
                say(.good, "PTR", "\(text) is \(name), and back.", "\(text) 与 \(name) 互相对应。")
            } else if let name = address.names.records.first {
                say(
                    .wrong, "PTR", "\(text) is called \(name), which does not lead back to it.", "\(text) 反向解析为 \(name)，但该名称不指回此 IP。",
                    publish: Publish(name: name, type: address.address.isIPv6 ? "AAAA" : "A", value: text))
            } else if case .failed(let failure) = address.names {
                unanswered("PTR \(text)", failure)
            } else {
                say(
                    .wrong, "PTR", "\(text) has no name; ask whoever gave you the address to set one. Gmail refuses mail from it.",
                    "\(text) 没有反向解析，请联系 IP 提供商设置；Gmail 会拒收来自它的邮件。",
                    publish: Publish(name: address.address.reverseName, type: "PTR", value: "mail.\(facts.domain)."))
            }
            if case .result(let result, _) = address.spf, result != .pass {
                say(
                    .wrong, "SPF", "\(text) may not send for \(facts.domain) (\(result.rawValue)).",
                    "\(text) 未被允许为 \(facts.domain) 发信（\(result.rawValue)）。", publish: widened(by: address))
            }
        }
    }

    /// The present record with one address more, before what ends it.
    private func widened(by address: MailFacts.Address) -> Publish? {
        let texts = facts.spf.records.filter(SPFRecord.isMeant)
        guard texts.count == 1 else { return nil }
        var words = texts[0].split(separator: " ").map(String.init)
        words.insert((address.address.isIPv6 ? "ip6:" : "ip4:") + address.address.description, at: 1)
        return Publish(name: facts.domain, value: words.joined(separator: " "))
    }

    private mutating func mailServers() {
        switch facts.mx {
        case .failed(let failure): return unanswered("MX", failure)
        case .noData, .noDomain:
            return say(
                .wrong, "MX", "there is no mail server: answers and bounces cannot come back.", "没有收信服务器：回复和退信都回不来。",
                publish: Publish(name: facts.domain, type: "MX", value: "10 mail.\(facts.domain)."))
        case .found(let records) where records.contains(where: \.isNull):
            return say(
                .wrong, "MX", "“MX 0 .” says that this domain takes no mail (RFC 7505): answers and bounces are lost.",
                "“MX 0 .” 表示此域名不收信（RFC 7505）：回复和退信会丢失。")
        case .found: break
        }
        for host in facts.hosts {
            if IPAddress(host.name) != nil {
                say(.wrong, "MX", "\(host.name) is an address; an MX must name a host.", "\(host.name) 是 IP 地址；MX 必须写主机名。")
            } else if case .failed(let failure) = host.addresses {
                unanswered("MX \(host.name)", failure)
            } else if host.addresses.records.isEmpty {
                say(.wrong, "MX", "\(host.name) has no address.", "\(host.name) 没有地址记录。")
            } else {
                say(.good, "MX", host.name, host.name)
            }
        }
    }

    // MARK: Encryption on the way to us

    private mutating func transport() {
        if case .failed(let failure) = facts.sts { return unanswered("MTA-STS", failure) }
        let records = facts.sts.records.filter { $0.hasPrefix("v=STSv1") }
        if records.isEmpty {
            say(
                .hint, "MTA-STS", "not used. It makes others encrypt mail to you; it is voluntary (RFC 8461).",
                "未使用。它要求他人加密给您发信，可选（RFC 8461）。")
        } else if records.count > 1 || MTASTSRecord(records[0]) == nil {
            say(
                .wrong, "MTA-STS", "the record is wrong, so that the policy does not count.", "记录有误，策略不生效。",
                publish: Publish(name: "_mta-sts.\(facts.domain)", value: "v=STSv1; id=1"))
        } else {
            policyFile()
        }
        let reports = facts.tlsReports.records.contains { TLSReportRecord($0) != nil }
        if reports {
            say(.good, "TLS-RPT", "reports about encryption are asked for.", "已设置接收加密情况报告。")
        } else {
            say(
                .hint, "TLS-RPT", "nobody is told when encryption to you fails; voluntary (RFC 8460).", "加密失败时无人得知；可选（RFC 8460）。",
                publish: Publish(name: "_smtp._tls.\(facts.domain)", value: "v=TLSRPTv1; rua=mailto:postmaster@\(facts.domain)"))
        }
    }

    private mutating func policyFile() {
        let place = "https://mta-sts.\(facts.domain)/.well-known/mta-sts.txt"
        switch facts.policy {
        case .unasked: return
        case .failed(let why):
            say(.wrong, "MTA-STS", "the policy \(place) cannot be read: \(why)", "无法读取策略 \(place)：\(why)")
        case .text(let text):
            guard let policy = MTASTSPolicy(text) else {
                let lines = (["version: STSv1", "mode: testing"] + facts.hosts.map { "mx: \($0.name)" } + ["max_age: 86400"]).joined(
                    separator: " / ")
                return say(.wrong, "MTA-STS", "the policy \(place) is wrong; write the lines: \(lines)", "策略 \(place) 有误；请写：\(lines)")
            }
            let missing = facts.hosts.map(\.name).filter { !policy.allows($0) }
            if !missing.isEmpty, policy.mode != .none {
                let names = missing.joined(separator: ", ")
                return say(
                    .wrong, "MTA-STS", "the policy does not name \(names): mail to it is refused by careful senders.",
                    "策略未包含 \(names)：严格的发信方会拒绝投递。")
            }
            say(
                .good, "MTA-STS", "\(policy.mode.rawValue), \(policy.hosts.joined(separator: ", "))",
                "\(policy.mode.rawValue)，\(policy.hosts.joined(separator: ", "))")
        }
    }
}
