import Channels
import Domain
import Foundation
import Intake
import Rules
import Store
import Transport

/// A table of orders or customers that is brought in.
public struct RecordOrder: Sendable {
    public var isOrders: Bool
    /// A file, or an `http` address.
    public var source: String
    public var account: String
    public var map: String?
    public var currency: String?
    public var decimal: String?
    public var date: String?
    public var zone: String?
    public var rejects: String?
    public var isRehearsal: Bool

    public init(isOrders: Bool, source: String, account: String) {
        self.isOrders = isOrders
        self.source = source
        self.account = account
        isRehearsal = false
    }
}

extension Operations {
    static let tableBytesMax = 256 << 20

    /// Shows what it takes each column for, then brings the table in; both go to standard error.
    /// - Throws: `CommandError`, `RuleError`, and what ends the reading of a table.
    public static func importRecords(_ order: RecordOrder, configuration: String) async throws -> String {
        let isPlain = !order.account.isEmpty && order.account.utf8.count <= 64 && !order.account.contains { $0.isWhitespace || $0 == "/" }
        guard isPlain else { throw CommandError("--account is a name without blanks and slashes, such as shop") }
        let (path, isOurs) = try await file(order.source)
        defer { if isOurs { try? FileManager.default.removeItem(atPath: path) } }
        let bytes = try Self.beginning(path)
        let table = try RecordTable(path: path, looksLikeJSON: Self.isJSON(bytes))
        let mapping = try mapping(order, table)
        Daemon.complain(Self.plan(mapping, table))
        let missing = mapping.missing()
        guard missing.isEmpty else { throw CommandError(missing.joined(separator: "\n")) }
        let size = (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? 0
        let mark = sha256(bytes + Array("\(size) \(mapping)".utf8)).prefix(32)
        let rejects = order.rejects ?? Self.rejectsName(order.source, isCSV: table.isCSV)
        guard !Self.isSame(rejects, path) else {
            throw CommandError("\(rejects) is the table itself; name another file with --rejected for the rows that are set aside")
        }
        let line = ProgressLine()
        let tell: @Sendable (RecordImport.Progress) -> Void = {
            line.tell($0.records - $0.skipped, "\($0.records) records, \($0.new) new, \($0.rejected) set aside")
        }
        if order.isRehearsal {
            let job = RecordImport(store: nil, account: order.account, mapping: mapping, rejects: nil, fingerprint: String(mark))
            let result = try await job.run(table, tell: tell)
            line.end()
            for text in result.shown { Daemon.complain("would be stored: \(text.prefix(600))") }
            return told(result, order, rejects: nil) + " Nothing was stored."
        }
        return try await withStore(configuration) { store in
            let job = RecordImport(store: store, account: order.account, mapping: mapping, rejects: rejects, fingerprint: String(mark))
            let result = try await job.run(table, tell: tell)
            line.end()
            return told(result, order, rejects: rejects) + " The daemon files them; they start no journey."
        }
    }

    private static func told(_ result: RecordImport.Progress, _ order: RecordOrder, rejects: String?) -> String {
        for trouble in result.troubles { Daemon.complain(trouble) }
        let what = order.isOrders ? "orders" : "customers"
        var text = "\(result.taken) \(what) read from \(result.records) records"
        if !order.isRehearsal { text += ": \(result.new) new, \(result.taken - result.new) known already" }
        if result.skipped > 0 { text += "; it went on behind \(result.skipped) records of an interrupted import" }
        if result.rejected > 0 {
            text += "; \(result.rejected) could not be read" + (rejects.map { ", they are in \($0)" } ?? "")
        }
        return text + "."
    }

    private static func mapping(_ order: RecordOrder, _ table: RecordTable) throws -> TableMapping {
        let product: ChannelFile.Stream.Product = order.isOrders ? .order : .customer
        var mapping = TableMapping(product)
        if let map = order.map {
            guard let data = FileManager.default.contents(atPath: map) else { throw CommandError("cannot read the map file \(map)") }
            mapping = try TableMapping(product, yaml: String(decoding: data, as: UTF8.self), file: map)
            for (member, column) in mapping.columns where !member.hasPrefix("items.") && !table.columns.contains(column) {
                throw CommandError(
                    "\(map): the table has no column “\(column)” for \(member); it has \(table.columns.prefix(40).joined(separator: ", "))")
            }
        }
        mapping.guess(columns: table.columns, lists: table.lists)
        if let currency = order.currency { try mapping.set(currency: currency) { CommandError("--currency: " + $0) } }
        if let zone = order.zone { try mapping.set(zone: zone) { CommandError("--zone: " + $0) } }
        if let date = order.date { try mapping.set(date: date) { CommandError("--date: " + $0) } }
        if let decimal = order.decimal {
            guard let mark = ExactNumber.Mark(rawValue: decimal) else { throw CommandError("--decimal is point or comma") }
            mapping.mark = mark
        }
        mapping.guessDate(table.sample)
        return mapping
    }

    private static func plan(_ mapping: TableMapping, _ table: RecordTable) -> String {
        var lines = ["The columns are taken for this:"]
        let width = mapping.columns.map(\.member.count).max() ?? 0
        for (member, column) in mapping.columns {
            let inList = member.hasPrefix("items.") ? mapping.list.map { "\($0)[*]." } ?? "" : ""
            lines.append("  " + member + String(repeating: " ", count: width - member.count) + "  ←  " + inList + column)
        }
        let used = Set(mapping.columns.map(\.column))
        let rest = table.columns.filter { !used.contains($0) && $0.split(separator: ".").first.map(String.init) != mapping.list }
        if !rest.isEmpty { lines.append("  kept as they are: \(rest.joined(separator: ", "))") }
        if mapping.column("currency") == nil, let currency = mapping.currency { lines.append("  currency: \(currency)") }
        lines.append("  times: \(mapping.date ?? "not known"), in \(mapping.zone) where they name no zone")
        lines.append(
            "  before the fraction of an amount stands: \(mapping.mark?.rawValue ?? "what its own form tells; unclear ones are set aside")")
        return lines.joined(separator: "\n")
    }

    private static func beginning(_ path: String) throws -> [UInt8] {
        guard let file = FileHandle(forReadingAtPath: path) else { throw CommandError("cannot read \(path)") }
        defer { try? file.close() }
        return Array(try file.read(upToCount: 1 << 20) ?? Data())
    }

    private static func isJSON(_ bytes: [UInt8]) -> Bool {
        let first = bytes.first { $0 > 0x20 && $0 != 0xEF && $0 != 0xBB && $0 != 0xBF }
        return first == 0x5B || first == 0x7B
    }

    /// Whether two names lead to one file.
    private static func isSame(_ a: String, _ b: String) -> Bool {
        var (first, second) = (stat(), stat())
        return stat(a, &first) == 0 && stat(b, &second) == 0 && first.st_dev == second.st_dev && first.st_ino == second.st_ino
    }

    private static func rejectsName(_ source: String, isCSV: Bool) -> String {
        let last = source.split(separator: "/").last.map { String($0.prefix { $0 != "?" }) } ?? "table"
        let stem = last.split(separator: ".").first.map(String.init) ?? "table"
        let name = "\(stem).rejected.\(isCSV ? "csv" : "jsonl")"
        // The mended rows of an import before: what is set aside of them must not be written over them.
        return last == name ? "\(stem).rejected-again.\(isCSV ? "csv" : "jsonl")" : name
    }

    /// - Returns: where the table lies, and whether it is a copy that must go.
    private static func file(_ source: String) async throws -> (path: String, isOurs: Bool) {
        guard source.hasPrefix("http://") || source.hasPrefix("https://") else {
            guard FileManager.default.fileExists(atPath: source) else { throw CommandError("there is no file \(source)") }
            return (source, false)
        }
        let loop = TransferLoop(logger: quiet)
        var request = HTTPRequest("GET", source)
        request.sizeBytesMax = tableBytesMax
        request.totalTimeout = .seconds(1800)
        do {
            let response = try await loop.http(request)
            await loop.shutdown()
            guard response.status == 200 else { throw CommandError("\(source) answers with status \(response.status)") }
            let path = FileManager.default.temporaryDirectory.appending(path: "hongyan-table-\(UUID().uuidString)").path
            guard FileManager.default.createFile(atPath: path, contents: Data(response.body), attributes: [.posixPermissions: 0o600]) else {
                throw CommandError("cannot write \(path)")
            }
            return (path, true)
        } catch {
            await loop.shutdown()
            throw error
        }
    }
}
