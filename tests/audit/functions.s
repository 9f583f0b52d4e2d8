// SPDX-License-Identifier: MIT
//
// Functions as Cranelift, LLVM and GCC make them, with unwind tables made by hand, and attacks on the
// audit: `as --defsym CASE=n`. test_code_judge says what each has to come out as, by its symbol.
//
// The tables and programs: docs/audit.md, "Unwind tables".

	.ifndef CASE
	.set	CASE, 0
	.endif

// ---- unwind tables: \name is the label of the CIE ----

	.macro	cie name, code, data, pad
	.pushsection .eh_frame,"a",@progbits
\name:	.long	cie_end\@ - . - 4
	.long	0
	.byte	1
	.asciz	"zR"
	.uleb128 \code
	.sleb128 \data
	.byte	30, 1, 0x1b
	.byte	0x0c, 31, 0
	.fill	\pad, 1, 0
cie_end\@:
	.popsection
	.endm

// \program: the bytes of the program, as many as make the entry a multiple of 8 with Cranelift's CIE
	.macro	fde cie, start, end, program:vararg
	.pushsection .eh_frame,"a",@progbits
fde\@:	.long	fde_end\@ - . - 4
	.long	. - \cie
	.long	\start - .
	.long	\end - \start
	.byte	0
	.byte	\program
	.balign	8
fde_end\@:
	.popsection
	.endm

	.macro	framed start, end
	fde	clif, \start, \end, 0x41, 0x0e, 16, 0x9d, 2, 0x9e, 1, 0x41, 0x0d, 29
	.endm

// pushes x19, x20 and x21
	.macro	framed_pushes start, end
	fde	clif, \start, \end, 0x41, 0x0e, 16, 0x9d, 2, 0x9e, 1, 0x41, 0x0d, 29, 0x41, 0x93, 4, 0x94, 3, 0x41, 0x95, 6
	.endm

	.macro	empty start, end
	fde	clif, \start, \end, 0, 0, 0, 0, 0, 0, 0
	.endm

	cie	clif, 4, -8, 4
	cie	llvm, 1, -4, 0
	cie	gnu, 4, -8, 0
	cie	strange, 2, -8, 0

	.macro	function name
	.globl	\name
	.type	\name, %function
\name:
	.endm

	.text

// ---- Cranelift: a frame, pushes, a jump table, a trap ----

	.macro	clif_body n
	stp	x29, x30, [sp, #-16]!
	mov	x29, sp
	stp	x19, x20, [sp, #-16]!
	str	x21, [sp, #-16]!
	sub	sp, sp, #32
	.inst	0xF80083E0		// stur x0, [sp, #8]
	uxtb	w19, w0
	cmp	x19, #3
	b.hs	8f
	csel	x10, xzr, x19, hs
	csdb
	adr	x9, 1f
	ldrsw	x10, [x9, x10, lsl #2]
	add	x9, x9, x10
	br	x9
1:	.long	2f - 1b, 3f - 1b, 8f - 1b
2:	bl	leaf\n
3:	add	sp, sp, #32
	ldr	x21, [sp], #16
	ldp	x19, x20, [sp], #16
	ldp	x29, x30, [sp], #16
	ret
	b	2b			// left behind
8:	udf	#0xc11f
	.endm

// ---- a leaf that every compiler would make so ----

	.macro	leaf_body
	add	x0, x0, x1
	ret
	.endm

// ---- what another compiler makes; the prologue is the same as Cranelift's ----

	.macro	foreign_body n
	stp	x29, x30, [sp, #-16]!
	mov	x29, sp
	cbz	x0, 1f
	ldr	w8, [x0, #4]
	subs	w9, w8, #1
	csel	w0, w8, w9, eq
	bl	leaf\n
1:	ldp	x29, x30, [sp], #16
	ret
	.endm

// ---- and without any word that Cranelift does not make ----

	.macro	neutral_body
	stp	x29, x30, [sp, #-16]!
	mov	x29, sp
	add	x0, x0, x1
	mul	x0, x0, x1
	eor	x0, x0, x2
	orr	x0, x0, x3
	ldp	x29, x30, [sp], #16
	ret
	.endm

	.macro	foreign_llvm
	sub	sp, sp, #32
	stp	x20, x19, [sp, #16]
	mov	w19, wzr
	add	x29, sp, #16
	brk	#1
	.endm

	.macro	foreign_gcc
	stp	x29, x30, [sp, #-32]!
	mov	x29, sp
	stp	x19, x20, [sp, #16]
	mov	w0, #0
	bl	leaf0
	ldp	x19, x20, [sp, #16]
	ldp	x29, x30, [sp], #32
	ret
	.endm

	function start
	clif_body 0
start_end:
	framed_pushes start, start_end
	function leaf0
	leaf_body
leaf0_end:
	empty	leaf0, leaf0_end

	.if CASE == 0			// as the compilers make it
	function by_table
	neutral_body
by_table_end:
	framed	by_table, by_table_end
	function vectors		// pushes vector registers too
	stp	x29, x30, [sp, #-16]!
	mov	x29, sp
	str	x21, [sp, #-16]!
	stp	d8, d9, [sp, #-16]!
	str	d10, [sp, #-16]!
	add	x0, x0, x1
	ldr	d10, [sp], #16
	ldp	d8, d9, [sp], #16
	ldr	x21, [sp], #16
	ldp	x29, x30, [sp], #16
	ret
vectors_end:
	fde	clif, vectors, vectors_end, 0x41, 0x0e, 16, 0x9d, 2, 0x9e, 1, 0x41, 0x0d, 29, 0x41, 0x95, 4, 0x41, 5, 72, 6, 5, 73, 5, 0x41, 5, 74, 8
	function long_leaf
	add	x0, x0, x1
	add	x0, x0, x2
	add	x0, x0, x3
	ret
long_leaf_end:
	empty	long_leaf, long_leaf_end
	function llvm_table
	foreign_body 0
llvm_table_end:
	fde	llvm, llvm_table, llvm_table_end, 0, 0, 0
	function gnu_table
	foreign_gcc
gnu_table_end:
	fde	gnu, gnu_table, gnu_table_end, 0, 0, 0
	function strange_table
	foreign_body 0
strange_table_end:
	fde	strange, strange_table, strange_table_end, 0, 0, 0
	function llvm_words
	foreign_llvm
	function gcc_words
	foreign_gcc
	function some_words
	foreign_body 0
	function no_words
	neutral_body
	nop
	nop
	.long	0
	function wrapper		// around svc
	stp	x29, x30, [sp, #-32]!
	mov	x29, sp
	str	x19, [sp, #24]
	mov	x19, x0
	ldr	x0, [x19]
	svc	#0
	str	x0, [x19]
	ldr	x19, [sp, #24]
	ldp	x29, x30, [sp], #32
	ret
	function code_alone		// no entry: words alone
	clif_body 0

	.macro	one_sign
	stp	x29, x30, [sp, #-16]!
	mov	x29, sp
	.rept	10
	add	x0, x0, x1
	.endr
	cset	x0, eq
	.endm
	.macro	ends
	ldp	x29, x30, [sp], #16
	ret
	.endm

	function weak_sign		// one weak sign may be chance
	one_sign
	ends
	function weak_signs
	one_sign
	cmp	x0, xzr
	ends
	function short			// twelve instructions
	stp	x29, x30, [sp, #-16]!
	mov	x29, sp
	.inst	0xF80083E0		// stur x0, [sp, #8]
	.rept	7
	add	x0, x0, x1
	.endr
	ends
	function long			// thirteen
	stp	x29, x30, [sp, #-16]!
	mov	x29, sp
	.inst	0xF80083E0		// stur x0, [sp, #8]
	.rept	8
	add	x0, x0, x1
	.endr
	ends
	function carrier		// its literals are somebody's code
	stp	x29, x30, [sp, #-16]!
	mov	x29, sp
	.inst	0xF80083E0		// stur x0, [sp, #8]
	.rept	9
	add	x0, x0, x1
	.endr
	ldr	q0, .Lcarried
	ends
.Lcarried:
	sub	sp, sp, #32
	mul	x0, x0, x1
	add	sp, sp, #32
	ret
	function carrier2		// its literals are constants
	stp	x29, x30, [sp, #-16]!
	mov	x29, sp
	.inst	0xF80083E0		// stur x0, [sp, #8]
	.rept	9
	add	x0, x0, x1
	.endr
	ldr	q0, .Lconstant
	ends
.Lconstant:
	.double	1.0, 0.1
	function pascal			// as Free Pascal makes them: pushes, and uxtb where others write and
	stp	x29, x30, [sp, #-16]!
	mov	x29, sp
	stp	x19, x20, [sp, #-16]!
	uxtb	w0, w0
	.rept	8
	add	x0, x0, x1
	.endr
	ldp	x19, x20, [sp], #16
	ends
	function pascal_up		// the lower registers first
	stp	x29, x30, [sp, #-16]!
	mov	x29, sp
	stp	x19, x20, [sp, #-16]!
	stp	x21, x22, [sp, #-16]!
	.inst	0xF80003E0		// stur x0, [sp]
	.rept	8
	add	x0, x0, x1
	.endr
	ldp	x21, x22, [sp], #16
	ldp	x19, x20, [sp], #16
	ends
	function pascal_odd		// one register twice
	stp	x29, x30, [sp, #-16]!
	mov	x29, sp
	.inst	0xA9BF4FF3		// stp x19, x19, [sp, #-16]!
	cmp	x0, x1
	cset	x0, ge
	.rept	8
	add	x0, x0, x1
	.endr
	ldr	x19, [sp], #16
	ends
	.endif

	.if CASE == 1			// framed entries, forged, over others' code
	function foreign
	foreign_body 0
foreign_end:
	framed	foreign, foreign_end
	function foreign2
	foreign_gcc
foreign2_end:
	framed	foreign2, foreign2_end
	function pushes			// the program saves what the code does not
	neutral_body
pushes_end:
	framed_pushes pushes, pushes_end
	.endif

	.if CASE == 2			// empty entries, forged
	function foreign
	foreign_body 0
foreign_end:
	empty	foreign, foreign_end
	function foreign2
	add	x0, x0, x1
	mul	x0, x0, x1
	eor	x0, x0, x2
	ret
foreign2_end:
	empty	foreign2, foreign2_end
	function foreign3		// Cranelift does not write w registers so
	cset	w0, eq
	ret
foreign3_end:
	empty	foreign3, foreign3_end
	.endif

	.if CASE == 3			// a function split into entries of three instructions
	function foreign
	add	x0, x0, x1
	mul	x0, x0, x1
	eor	x0, x0, x2
	function foreign2
	orr	x0, x0, x3
	add	x0, x0, x1
	mul	x0, x0, x1
	function foreign3
	eor	x0, x0, x2
	ret
foreign_end:
	function branches		// cut where a branch leads
	cbz	x1, 7f
	add	x0, x0, x1
	ret
	function after_branch
7:
	mov	x0, #1
	ret
after_branch_end:
	empty	after_branch, after_branch_end
	function calls			// cut behind a call
	stp	x29, x30, [sp, #-16]!
	mov	x29, sp
	bl	leaf0
	function after_call
	ldp	x29, x30, [sp], #16
	ret
after_call_end:
	empty	after_call, after_call_end
	empty	foreign, foreign2
	empty	foreign2, foreign3
	empty	foreign3, foreign_end
	.endif

	.if CASE == 4			// one entry over a Cranelift function and another's
	function joined
	clif_body 0
	neutral_body
joined_end:
	framed_pushes joined, joined_end
	function joined2		// the other is called
	clif_body 0
	function inner
	neutral_body
	bl	inner
	b	inner
joined2_end:
	framed_pushes joined2, joined2_end
	.endif

	.if CASE == 5			// a jump table that is code
	function foreign
	stp	x29, x30, [sp, #-16]!
	mov	x29, sp
	adr	x9, 1f
	br	x9
1:	cset	w0, eq
	csel	w0, w1, w2, eq
	stp	x1, x2, [sp, #16]
	ldp	x29, x30, [sp], #16
	ret
foreign_end:
	framed	foreign, foreign_end
	.endif

	.if CASE == 6			// others' code between the words of a wrapper
	function foreign
	stp	x29, x30, [sp, #-32]!
	mov	x29, sp
	str	x19, [sp, #24]
	mov	x19, x0
	add	x0, x0, x1
	mul	x0, x0, x1
	ldr	x19, [sp, #24]
	ldp	x29, x30, [sp], #32
	ret
	function foreign2
	stp	x29, x30, [sp, #-32]!
	mov	x29, sp
	str	x19, [sp, #24]
	mov	x19, x0
	cset	w0, eq
	ldr	x19, [sp, #24]
	ldp	x29, x30, [sp], #32
	ret
	.endif

	.if CASE == 7			// entries that overlap, with Cranelift's over others' code
	function foreign
	neutral_body
foreign_end:
	fde	gnu, foreign, foreign_end, 0, 0, 0
	framed	foreign, foreign_end
	function nested
	neutral_body
nested_end:
	framed	nested, nested_end
	framed	nested, nested_end - 4
	function doubled		// of Cranelift, but its entries contradict one another
	clif_body 0
doubled_end:
	framed_pushes doubled, doubled_end
	framed	doubled, doubled_end
	.endif

	.if CASE == 8			// entries without length
	function foreign
	neutral_body
foreign_end:
	framed	foreign, foreign
	.endif

	.if CASE == 9			// symbols that cut, to get a piece that looks well
	function foreign
	stp	x29, x30, [sp, #-32]!
	mov	x29, sp
	function foreign2
	stp	x29, x30, [sp, #-16]!
	mov	x29, sp
	uxtb	w0, w0
	add	x0, x0, x1
	function foreign3
	.rept	12
	add	x0, x0, x1
	.endr
	csel	w0, w0, w1, eq
	ldp	x29, x30, [sp], #32
	ret
	.endif

	.if CASE == 10			// code that loads of literals read
	function foreign
	stp	x29, x30, [sp, #-16]!
	mov	x29, sp
	ldr	x1, 1f
	ldr	x2, 2f
	b	1f
1:	cset	w0, eq
	csel	w0, w1, w2, eq
2:	ldp	x29, x30, [sp], #16
	ret
foreign_end:
	framed	foreign, foreign_end
	.endif

	.if CASE == 11			// an entry that ends before the code does; one that begins behind
	function foreign
	stp	x29, x30, [sp, #-16]!
	mov	x29, sp
	uxtb	w0, w0
	framed	foreign, foreign2
	function foreign2
	csel	w0, w1, w2, eq
	add	x0, x0, x1
	function foreign3
	add	x0, x0, x2
	ret
foreign_end:
	empty	foreign3, foreign_end
	.endif

	.if CASE == 12			// a branch out of the middle, under a condition
	function foreign
	stp	x29, x30, [sp, #-16]!
	mov	x29, sp
	uxtb	w0, w0
	cbz	x0, elsewhere
	ldp	x29, x30, [sp], #16
	ret
foreign_end:
	framed	foreign, foreign_end
	function elsewhere
	add	x0, x0, x1
	mul	x0, x0, x1
	ret
	.endif

	.if CASE == 13			// an entry of a CIE of which another entry is not Cranelift's
	function foreign
	foreign_body 0
foreign_end:
	fde	clif, foreign, foreign_end, 0x44, 0x0e, 32, 0x9d, 4, 0x9e, 3
	function no_sign		// the frame alone does not tell
	neutral_body
no_sign_end:
	framed	no_sign, no_sign_end
	.endif

	.if CASE == 14			// code in data that can be executed, and in a section of another name
	.section .run,"awx",@progbits
	function foreign
	foreign_body 1
	function leaf1
	leaf_body
	.section .init.text,"ax",@progbits
	function foreign2
	foreign_gcc
	.endif

	.if CASE == 15			// programs that are nearly Cranelift's
	.macro	variant name, program:vararg
	function \name
	neutral_body
\name\()_end:
	fde	clif, \name, \name\()_end, \program
	.endm

	variant	advance_at_end, 0x41, 0x0e, 16, 0x9d, 2, 0x9e, 1, 0x41, 0x0d, 29, 0x41
	variant	later, 0x42, 0x0e, 16, 0x9d, 2, 0x9e, 1, 0x41, 0x0d, 29
	variant	larger, 0x41, 0x0e, 32, 0x9d, 2, 0x9e, 1, 0x41, 0x0d, 29
	variant	other_slot, 0x41, 0x0e, 16, 0x9d, 1, 0x9e, 2, 0x41, 0x0d, 29
	variant	other_register, 0x41, 0x0e, 16, 0x9d, 2, 0x9e, 1, 0x41, 0x0d, 28
	variant	no_lr, 0x41, 0x0e, 16, 0x9d, 2, 0x41, 0x0d, 29
	variant	at_once, 0x41, 0x0e, 16, 0x9d, 2, 0x9e, 1, 0x0d, 29
	variant	restores, 0x41, 0x0e, 16, 0x9d, 2, 0x9e, 1, 0x41, 0x0d, 29, 0x44, 0xdd
	variant	three, 0x41, 0x0e, 16, 0x9d, 2, 0x9e, 1, 0x41, 0x0d, 29, 0x41, 0x93, 4, 0x94, 3, 0x95, 5
	variant	ends_early, 0x41, 0x0e, 16, 0x9d, 2, 0x9e, 1
	variant	remembers, 0x41, 0x0e, 16, 0x9d, 2, 0x9e, 1, 0x41, 0x0d, 29, 0x0a
	.endif
