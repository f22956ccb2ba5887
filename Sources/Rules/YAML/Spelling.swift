/// Which known name somebody may have meant.
public enum Spelling {
    /// Longer words are no names of ours; comparing them costs time for nothing.
    static let lengthMax = 64

    /// The known name nearest to what was written, when it is near enough to be a slip of the finger.
    public static func nearest(to written: String, of names: [String]) -> String? {
        let word = Array(written.lowercased().unicodeScalars)
        guard !word.isEmpty, word.count <= lengthMax else { return nil }
        var best: (name: String, slips: Int)?
        for name in names {
            let known = Array(name.lowercased().unicodeScalars)
            guard known.count <= lengthMax else { continue }
            let slips = slips(word, known)
            guard slips <= max(1, max(word.count, known.count) / 3), slips < max(word.count, known.count) else { continue }
            if slips < best?.slips ?? Int.max { best = (name, slips) }
        }
        return best?.name
    }

    /// `a`, `b` or `c`.
    public static func choice(_ names: [String]) -> String {
        guard let last = names.last, names.count > 1 else { return names.first ?? "" }
        return names.dropLast().joined(separator: ", ") + " or " + last
    }

    /// Letters added, left out, changed or swapped with their neighbour (optimal string alignment distance).
    static func slips(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar]) -> Int {
        var beforeLast = [Int](repeating: 0, count: b.count + 1)
        var last = Array(0...b.count)
        for i in a.indices {
            var row = [i + 1]
            for j in b.indices {
                var cost = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, beforeLast[j - 1] + 1) }
                row.append(cost)
            }
            (beforeLast, last) = (last, row)
        }
        return last[b.count]
    }
}
