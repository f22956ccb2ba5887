import Formats

/// What the pages of one stream say about the file that read them.
struct ChannelVerdict {
    let file: ChannelFile
    let stream: ChannelFile.Stream
    let run: ChannelRun

    func findings(_ notes: ChannelNotes, _ failure: (any Error)?) -> [ChannelFinding] {
        troubles(notes, failure) + notes.pages.flatMap(page)
    }

    func troubles(_ notes: ChannelNotes, _ failure: (any Error)?) -> [ChannelFinding] {
        let advice = ChannelAdvice(file: file)
        var findings = notes.troubles.map { advice.finding($0.trouble, $0.partition, request: stream.request) }
        if findings.isEmpty, let failure {
            if let trouble = failure as? ChannelTrouble {
                findings.append(advice.finding(trouble, stream.name, request: stream.each?.request ?? stream.request))
            } else {
                findings.append(ChannelFinding(.wrong, stream.name, "\(failure)", "\(failure)"))
            }
        }
        findings += notes.warnings.map { ChannelFinding(.hint, stream.name, $0, $0) }
        return findings
    }

    private func page(_ page: ChannelWatch.Page) -> [ChannelFinding] {
        guard !page.records.isEmpty else { return [empty(page)] }
        let (all, made) = (page.records.count, page.items.count)
        var findings = [
            ChannelFinding(
                .good, page.partition,
                "\(all) record\(all == 1 ? "" : "s") on the first page, \(made) of them \(made == 1 ? "is" : "are") taken"
                    + (page.goesOn ? "; there are more pages" : "") + newest(page, "; the newest is of "),
                "第一页有 \(all) 条记录，采用 \(made) 条" + (page.goesOn ? "；还有后续页" : "") + newest(page, "；最新一条的时间为 "))
        ]
        guard made > 0 else {
            findings.append(
                ChannelFinding(
                    .hint, page.partition, "None of them was taken: `where` leaves them out, they are ours, or they have no external_id.",
                    "没有一条被采用：可能被 `where` 排除、是我们自己发的，或没有 external_id。"))
            return findings
        }
        for (name, expression) in stream.map.targets where name == "occurred_at" {
            let lacking = page.items.count { $0["occurred_at"] == nil }
            guard lacking > 0 else { continue }
            let seen = value(expression, page.records[0])
            findings.append(
                ChannelFinding(
                    .wrong, page.partition,
                    "`occurred_at` could not be read in \(lacking) of \(made): `\(expression.text)`"
                        + (seen.isEmpty ? " finds nothing" : " sees “\(seen)”"),
                    "\(made) 条中有 \(lacking) 条读不出 `occurred_at`：`\(expression.text)`"
                        + (seen.isEmpty ? " 没有取到值" : " 取到“\(seen)”")))
        }
        let unfilled = stream.map.targets.map(\.name).filter { name in
            name != "occurred_at" && !page.items.contains { $0[name] != nil }
        }
        if !unfilled.isEmpty {
            let names = unfilled.joined(separator: ", ")
            findings.append(
                ChannelFinding(.hint, page.partition, "Empty in every one of them: \(names).", "所有记录中都为空：\(names)。"))
        }
        return findings
    }

    /// Is there nothing yet, or does the path lead nowhere?
    private func empty(_ page: ChannelWatch.Page) -> ChannelFinding {
        let path = stream.records.text
        let before = path.hasSuffix("[*]") ? String(path.dropLast(3)) : path
        if let list = try? JSONPath(before).first(in: page.root), list.array?.isEmpty ?? false {
            return ChannelFinding(.good, page.partition, "The list is there and has nothing in it yet.", "列表存在，目前为空。")
        }
        let there = Self.members(page.root)
        return ChannelFinding(
            .wrong, page.partition, "`records` is \(path), and nothing stands there; the answer has: \(there)",
            "`records` 为 \(path)，但该处没有内容；应答中有：\(there)")
    }

    private func newest(_ page: ChannelWatch.Page, _ words: String) -> String {
        page.items.compactMap(\.occurredAt).max().map { words + "\($0)" } ?? ""
    }

    private func value(_ expression: ChannelExpression, _ record: JSONValue) -> String {
        guard let source = expression.alternatives.first?.source else { return "" }
        let scope = run.scope().with(record: record)
        return String((source.value(scope)?.plain ?? "").prefix(60))
    }

    /// `data (list of 3), meta (object), next (text)`
    static func members(_ value: JSONValue) -> String {
        switch value {
        case .object(let members):
            return members.prefix(20).map { member in
                switch member.value {
                case .array(let items): "\(member.name) (list of \(items.count))"
                case .object: "\(member.name) (object)"
                default: member.name
                }
            }.joined(separator: ", ")
        case .array(let items): return "a list of \(items.count)"
        default: return "one value"
        }
    }
}
