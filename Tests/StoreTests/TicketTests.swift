import Domain
import Store
import Testing

@Suite(.timeLimit(.minutes(10)))
struct TicketTests {
    @Test(arguments: Engine.available)
    func `a ticket comes back as it was stored and as it was changed`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let store = house.store
            let opened = try await store.write { transaction in
                let fresh = ticket(1, number: try transaction.tickets.nextNumber())
                try transaction.tickets.open(fresh)
                return fresh
            }
            #expect(opened.number == Tickets.firstNumber)
            #expect(try await store.read { try $0.tickets.get(ID(1)) } == opened)
            var changed = opened
            changed.subject = "Re: 到了"
            changed.status = .pending
            changed.queue = "Returns"
            changed.priority = .urgent
            changed.customer = ID(9)
            changed.customerName = "Bo"
            changed.assignee = ID(3)
            changed.updatedAt = TestTime.start + .seconds(5)
            changed.lastInboundAt = TestTime.start
            changed.lastOutboundAt = TestTime.start + .seconds(5)
            changed.messageCount = 4
            changed.snippet = "thanks"
            changed.lastMood = 0.25
            changed.lowestMood = -1
            let stored = changed
            try await store.write { try $0.tickets.update(stored) }
            #expect(try await store.read { try $0.tickets.get(number: stored.number) } == stored)
            let error = await #expect(throws: StoreError.self) { try await store.write { try $0.tickets.update(ticket(77, number: 1)) } }
            #expect(error?.description == "there is no ticket 77 to update")
        }
    }

    @Test(arguments: Engine.available)
    func `numbers are never given twice`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let numbers = try await withThrowingTaskGroup { group in
                for _ in 0..<40 { group.addTask { try await house.store.write { try $0.tickets.nextNumber() } } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(Set(numbers).count == 40)
            #expect(numbers.min() == Tickets.firstNumber)
        }
    }

    @Test(arguments: Engine.available)
    func `views hold what they say, newest activity first, page by page`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let store = house.store
            try await store.write { transaction in
                let states: [Ticket.Status] = [.new, .open, .pending, .solved, .closed, .open]
                for (index, status) in states.enumerated() {
                    let id = Int64(index + 1)
                    var row = ticket(id, number: 1000 + id, customer: id % 2, queue: index < 3 ? "Support" : "Sales", status: status)
                    row.updatedAt = TestTime.start + .seconds(index)
                    row.assignee = index == 1 || index == 3 ? ID(50) : nil
                    row.lastMood = index == 2 || index == 4 ? -0.8 : 0.5
                    try transaction.tickets.open(row)
                }
            }
            let expected: [(TicketView, [Int64])] = [
                (.all, [6, 5, 4, 3, 2, 1]), (.open, [6, 3, 2, 1]), (.mine(ID(50)), [2]), (.unassigned, [6, 3, 1]), (.lowMood, [3]),
                (.queue("Support"), [3, 2, 1]), (.queue("Sales"), [6]), (.status(.solved), [4]), (.customer(ID(1)), [5, 3, 1]),
            ]
            for (view, ids) in expected {
                #expect(try await store.read { try $0.tickets.list(view, limit: 10) }.map(\.id.rawValue) == ids, "\(view)")
            }
            let page = try await store.read { try $0.tickets.list(.all, limit: 2) }
            let next = try await store.read { try $0.tickets.list(.all, limit: 2, before: page.last?.updatedAt) }
            #expect(next.map(\.id.rawValue) == [4, 3])
            let counts = try await store.read { try $0.tickets.counts(agent: ID(50)) }
            #expect(
                counts
                    == TicketCounts(
                        mine: 1, unassigned: 3, open: 4, lowMood: 1, all: 6,
                        byStatus: [.new: 1, .open: 2, .pending: 1, .solved: 1, .closed: 1]))
            let queues = try await store.read { try $0.tickets.queues() }
            #expect(queues.map(\.name) == ["Sales", "Support"])
            #expect(queues.map(\.open) == [1, 3])
        }
    }

    @Test(arguments: Engine.available)
    func `the customer's last ticket about a subject is found until it is closed or too old`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let store = house.store
            @Sendable func recent(_ subject: String, since: Timestamp = TestTime.start) async throws -> Int64? {
                try await store.read {
                    try $0.tickets.recent(customer: ID(1), subjectKey: Tickets.subjectKey(subject), since: since)
                }?.number
            }
            try await store.write { transaction in
                try transaction.tickets.open(ticket(1, number: 1001))
                try transaction.tickets.open(ticket(2, number: 1002, customer: 2))
            }
            #expect(try await recent("Re: late  PARCEL") == 1001)
            #expect(try await recent("Other") == nil)
            #expect(try await recent("Late parcel", since: TestTime.start + .seconds(1)) == nil)
            try await store.write { try $0.tickets.update(ticket(1, number: 1001, status: .closed)) }
            #expect(try await recent("Late parcel") == nil)
        }
    }

    @Test(arguments: Engine.available)
    func `a participant wrote in the ticket or was written to`(engine: Engine) async throws {
        try await withStore(engine) { house in
            try await house.store.write { transaction in
                var mail = message(1, "m1")
                mail.ticket = ID(7)
                mail.recipients = ["care@example.com", "o'neil_x@example.com"]
                try transaction.interactions.addPlaced(mail)
            }
            let asked = ["ana@example.com", "ANA@example.com", "o'neil_x@example.com", "o'neilax@example.com", "are@example.com", "%"]
            let found = try await house.store.read { transaction in
                try asked.map { try transaction.tickets.hasParticipant(ID(7), address: $0) }
            }
            #expect(found == [true, true, true, false, false, false])
        }
    }

    @Test(arguments: Engine.available)
    func `search finds numbers, subjects, names, addresses and words, two Chinese characters included`(engine: Engine) async throws {
        try await withStore(engine) { house in
            let store = house.store
            try await store.write { transaction in
                for number in 1...3 {
                    var row = ticket(Int64(number), number: 1000 + Int64(number), customer: Int64(number))
                    row.subject = ["Late parcel", "Invoice 50%", "订单 问题"][number - 1]
                    row.customerName = ["Ana", "Bo", "李雷"][number - 1]
                    row.updatedAt = TestTime.start + .seconds(number)
                    try transaction.tickets.open(row)
                    var mail = message(Int64(number), "m\(number)")
                    mail.ticket = row.id
                    mail.body = ["Where is my parcel?", "Please pay", "我的退款在哪里"][number - 1]
                    try transaction.interactions.addPlaced(mail)
                }
                try transaction.customers.create(
                    Customer(
                        id: ID(2), name: "Bo", createdAt: TestTime.start, lastSeenAt: TestTime.start,
                        identities: [Identity(kind: .email, value: "bo@example.com")]))
            }
            let expected: [(String, [Int64])] = [
                ("#1002", [1002]), ("1003", [1003]), ("PARCEL", [1001]), ("50%", [1002]), ("5_%", []), ("退款", [1003]), ("订单", [1003]),
                ("bo@example", [1002]), ("please", [1002]), ("  ", []), ("nothing like it", []),
            ]
            for (text, numbers) in expected {
                #expect(try await store.read { try $0.tickets.search(text, limit: 10) }.map(\.number) == numbers, "\(text)")
            }
        }
    }

    @Test(arguments: [
        ("Late parcel", "late parcel"), ("Re: Late  parcel", "late parcel"), ("RE: Fwd: re[2]: Late parcel", "late parcel"),
        ("AW: WG: Paket", "paket"), ("回复：答复: 订单", "订单"), ("轉寄:Re:订单", "订单"), ("Re:", ""), ("Recall: x", "recall: x"),
        ("Order: 12", "order: 12"), ("SV: Sv: Hej", "hej"), ("Ynt: Merhaba", "merhaba"), ("re (3): x", "x"), ("", ""),
    ])
    func `a subject's key is what it is about`(subject: String, key: String) {
        #expect(Tickets.subjectKey(subject) == key)
    }
}
