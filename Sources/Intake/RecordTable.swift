public import Channels
public import Formats

/// A table of orders or customers, read piece by piece: CSV, JSON, or JSON lines.
public final class RecordTable {
    public struct Record: Sendable {
        /// Of the file, 1-based.
        public var line: Int
        public var value: Result<JSONValue, RecordError>
    }

    static let sampleMax = 200
    private static let batchMax = 500

    /// In their order; of JSON those of the first records.
    public private(set) var columns: [String] = []
    /// Members of JSON records that hold lists of objects.
    public private(set) var lists: [(name: String, members: [String])] = []
    public private(set) var sample: [JSONValue] = []
    public let isCSV: Bool

    private let path: String
    private var csv: CSVFile?
    private var json: JSONRecords?
    private var line = 0
    private var waiting: [Record] = []

    /// Reads the beginning, to see what is in it.
    /// - Throws: `CSVFileError`, `CSVError`, `JSONRecordsError`.
    public init(path: String, looksLikeJSON: Bool) throws {
        self.path = path
        isCSV = !looksLikeJSON
        try open()
        while sample.count < Self.sampleMax, let more = try read() { sample += more.compactMap { try? $0.value.get() } }
        sample = Array(sample.prefix(Self.sampleMax))
        look()
        waiting = []
        try open()
    }

    private func open() throws {
        line = 0
        if isCSV { csv = try CSVFile(path: path) } else { json = try JSONRecords(path: path) }
    }

    private func look() {
        var known: Set<String> = []
        for record in sample {
            let names = isCSV ? TableMapping.columns(of: record, depth: 1) : TableMapping.columns(of: record)
            for name in names where known.insert(name).inserted { columns.append(name) }
            guard !isCSV, case .object(let members) = record else { continue }
            for member in members where !lists.contains(where: { $0.name == member.name }) {
                guard case .object(let inner)? = member.value.array?.first else { continue }
                lists.append((member.name, inner.map(\.name)))
            }
        }
    }

    /// The next records; nil at the end.
    public func read() throws -> [Record]? {
        if isCSV { return try rows() }
        var records: [Record] = []
        while records.count < Self.batchMax, let (line, record) = try json?.next() {
            records.append(
                Record(
                    line: line,
                    value: record.mapError { RecordError(member: "the record", problem: "is no JSON: \($0)") }.flatMap {
                        (value) -> Result<JSONValue, RecordError> in
                        guard case .object = value else { return .failure(RecordError(member: "the record", problem: "is no object")) }
                        return .success(value)
                    }))
        }
        return records.isEmpty ? nil : records
    }

    private func rows() throws -> [Record]? {
        guard let rows = try csv?.next() else { return nil }
        return rows.map { row in
            if line == 0 { line = 2 + row.fields.reduce(0) { $0 + Self.breaks($1.name) } }
            defer { line += 1 + row.fields.reduce(0) { $0 + Self.breaks($1.value) } }
            return Record(line: line, value: .success(.object(row.fields.map { .init($0.name, .string($0.value)) })))
        }
    }

    private static func breaks(_ text: String) -> Int { text.utf8.count { $0 == 0x0A } }
}
